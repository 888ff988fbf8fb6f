"""A bundle opened for reading: every byte that leaves it has been checked."""

from __future__ import annotations

from pathlib import Path

from ..digest import sha256_hex
from ..errors import BundleError
from .consistency import check_consistent
from .container import Container, check_name, open_container
from .manifest import MANIFEST, Manifest, decode_manifest


class Bundle:
    """A verified bundle: a folder or an ``.edge`` file.

    Attributes:
        path: where it lies.
        manifest: what it says about itself.
    """

    def __init__(self, path: Path, manifest: Manifest, container: Container) -> None:
        self.path = path
        self.manifest = manifest
        self._container = container

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Open the bundle and check its manifest (files are checked as they are read).

        Raises:
            BundleError: it is missing, damaged, unsafe, of a newer schema, or names front-ends
                that this version cannot reproduce.
        """
        path = Path(path)
        container = open_container(path)
        if MANIFEST not in container.names():
            raise BundleError(f"{path} is not a bundle: it has no {MANIFEST}.")
        manifest = decode_manifest(container.read(MANIFEST), str(path))
        for name in manifest.files:
            check_name(name, str(path))
        check_consistent(manifest, str(path))
        return cls(path, manifest, container)

    def read(self, name: str) -> bytes:
        """The bytes of one file, checked against the manifest.

        Raises:
            BundleError: the file is unknown to the manifest, missing, or altered.
        """
        entry = self.manifest.files.get(name)
        if entry is None:
            raise BundleError(f"The manifest of {self.path} knows no file {name!r}.")
        content = self._container.read(name)
        if len(content) != entry.size:
            raise BundleError(
                f"{name} in {self.path} is damaged: {len(content)} bytes instead of {entry.size}."
            )
        if sha256_hex(content) != entry.sha256:
            raise BundleError(f"{name} in {self.path} is damaged: its SHA-256 does not fit.")
        return content

    def check_files(self) -> int:
        """Check every file; returns how many there are.

        Raises:
            BundleError: a file is missing or altered, or something is there that the manifest
                does not name.
        """
        extra = set(self._container.names()) - set(self.manifest.files) - {MANIFEST}
        if extra:
            raise BundleError(
                f"{self.path} holds files its manifest does not name: {', '.join(sorted(extra))}."
            )
        for name in self.manifest.files:
            self.read(name)
        return len(self.manifest.files)

    def size(self, prefix: str = "") -> int:
        """Bytes of the files whose name begins with ``prefix``."""
        return sum(f.size for name, f in self.manifest.files.items() if name.startswith(prefix))
