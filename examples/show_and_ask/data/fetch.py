"""Debian packages without root: downloaded by apt, unpacked aside, cached, recorded.

The cache holds two trees, ``stamps`` (pictures and human speech) and ``speech`` (synthesisers
with the libraries they need). A tree appears by one rename, so a killed fetch leaves none.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from edge_sdk.errors import DependencyError, DeviceError, storage_errors

STAMPS = ("tuxpaint-stamps-default",)
SPEECH = ("espeak-ng", "flite", "festival", "festvox-kallpc16k")

# The C library comes with every machine that runs Python, and only the machine's own copy fits
# its loader. Everything else that the synthesisers link comes from the cache.
_NEVER = {"libc6", "libc-bin", "libcrypt1"}
_FOLLOWED = ("lib", "festlex-", "festvox-", "espeak-ng-data", "zlib1g")

Say = Callable[[str], None]


class Package(msgspec.Struct, frozen=True):
    """One unpacked Debian package and the SHA-256 of the file it came from."""

    name: str
    version: str
    architecture: str
    sha256: str


def default_cache() -> Path:
    """The folder named by ``EDGE_SDK_CACHE``, or ``edge-sdk/show-and-ask`` in the user's cache."""
    if named := os.environ.get("EDGE_SDK_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "edge-sdk" / "show-and-ask"


def fetch(cache: Path, say: Say = lambda _: None) -> None:
    """Bring both trees into ``cache``; a tree that is there already costs nothing.

    Raises:
        DependencyError: this is not a Debian or Ubuntu machine (no apt-get, no dpkg-deb).
        DeviceError: apt could not download a package.
        StorageError: the cache cannot be written.
    """
    trees = {"stamps": STAMPS, "speech": SPEECH}
    if all((cache / name / "packages.json").is_file() for name in trees):
        return
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DependencyError(
                f"The demo data comes from Debian packages and {tool} is not on this machine: "
                "run this on Debian or Ubuntu (a container will do), or copy a filled cache to "
                f"{cache}."
            )
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        # Nobody else fetches while the lock is held: what lies aside is from a killed run.
        for stale in cache.glob(".fetch-*"):
            shutil.rmtree(stale, ignore_errors=True)
        for name, roots in trees.items():
            if not (cache / name / "packages.json").is_file():
                _fetch_tree(cache, name, roots, say)
        merged: list[Package] = []
        for name in trees:
            merged += msgspec.json.decode(
                (cache / name / "packages.json").read_bytes(), type=list[Package]
            )
        _write(cache / "packages.json", sorted(merged, key=lambda p: p.name))


def fetch_tree(cache: Path, name: str, roots: Sequence[str], say: Say = lambda _: None) -> Path:
    """The root folder of a tree of its own with the packages ``roots``; fetched where missing.

    Raises:
        DependencyError, DeviceError, StorageError: as :func:`fetch`.
    """
    if shutil.which("apt-get") is None and not (cache / name / "packages.json").is_file():
        raise DependencyError(
            f"{', '.join(roots)} come from Debian packages: run this on Debian or Ubuntu."
        )
    with storage_errors(cache):
        cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache):
        if not (cache / name / "packages.json").is_file():
            _fetch_tree(cache, name, roots, say)
    return tree(cache, name)


def tree(cache: Path, name: str) -> Path:
    """The root folder of a fetched tree; raises DependencyError when it has not been fetched."""
    root = cache / name
    if not (root / "packages.json").is_file():
        raise DependencyError(
            f"The demo data is not in {cache}: run `python -m examples.show_and_ask.data` first."
        )
    return root / "root"


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with storage_errors(cache), (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_tree(cache: Path, name: str, roots: Sequence[str], say: Say) -> None:
    aside = Path(tempfile.mkdtemp(prefix=".fetch-", dir=cache))
    try:
        debs = aside / "debs"
        debs.mkdir()
        say(f"downloading {', '.join(roots)}")
        _download(roots, debs, cache, say)
        root = aside / name / "root"
        root.mkdir(parents=True)
        packages = []
        for deb in sorted(debs.glob("*.deb")):
            say(f"unpacking {deb.name.partition('_')[0]}")
            _run(["dpkg-deb", "-x", str(deb), str(root)])
            packages.append(_describe(deb))
        _write(aside / name / "packages.json", packages)
        shutil.rmtree(cache / name, ignore_errors=True)
        (aside / name).replace(cache / name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _download(roots: Sequence[str], into: Path, cache: Path, say: Say) -> None:
    """Download ``roots`` and what they link, first by the machine's package lists, then by ours.

    The machine's lists may be missing (a bare image) or older than the archive; then apt gets
    state folders of its own in the cache, which need no root.
    """
    # apt drops to a user of its own when root calls it, and that user may not see the cache.
    options = ["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]
    try:
        names = _closure(roots, options)
        _run(["apt-get", *options, "download", *names], cwd=into)
        return
    except DeviceError:
        say("refreshing the package lists (private to the cache)")
    state, store = cache / "apt" / "state", cache / "apt" / "cache"
    for folder in (state / "lists" / "partial", store / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    options += ["-o", f"Dir::State={state.resolve()}", "-o", f"Dir::Cache={store.resolve()}"]
    options += ["-o", f"Dir::State::lists={(state / 'lists').resolve()}"]
    # The images for containers hook a clean-up of the system's own cache here; not our business.
    options += ["-o", "APT::Update::Post-Invoke::=", "-o", "Acquire::Languages=none"]
    for stale in into.iterdir():
        stale.unlink()
    _run(["apt-get", *options, "-qq", "update"])
    names = _closure(roots, options)
    _run(["apt-get", *options, "download", *names], cwd=into)


def _closure(roots: Sequence[str], options: Sequence[str]) -> list[str]:
    """``roots`` and the libraries and voice data below them, sorted; first alternatives only."""
    _run(["apt-cache", *options, "show", "--no-all-versions", *roots])
    known: set[str] = set(roots)
    frontier = list(roots)
    while frontier:
        listing = _run(["apt-cache", *options, "depends", "--no-pre-depends", "--important",
                        *frontier])  # fmt: skip
        found = {
            name
            for name in parse_depends(listing)
            if name.startswith(_FOLLOWED) and name not in _NEVER
        }
        frontier = sorted(found - known)
        known |= found
    return sorted(known)


def parse_depends(listing: str) -> list[str]:
    """The packages in an ``apt-cache depends`` listing: of alternatives the first, of a virtual
    package the first provider."""
    names: list[str] = []
    alternative = virtual = False
    for line in listing.splitlines():
        field = line.strip()
        if "Depends: " in field:
            skip, alternative = alternative, field.startswith("|")
            name = field.partition("Depends: ")[2]
            virtual = name.startswith("<") and not skip
            if not skip and not virtual:
                names.append(name)
        elif virtual and line.startswith("    "):
            names.append(field)
            virtual = False
    return [name.partition(":")[0] for name in names]


def _describe(deb: Path) -> Package:
    show = "--showformat=${Package}\\n${Version}\\n${Architecture}"
    name, version, architecture = _run(["dpkg-deb", "-W", show, str(deb)]).split("\n")[:3]
    with deb.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return Package(name, version, architecture, digest.hexdigest())


def _write(path: Path, packages: Sequence[Package]) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_bytes(msgspec.json.format(msgspec.json.encode(packages), indent=1) + b"\n")
    aside.replace(path)


def _run(command: Sequence[str], cwd: Path | None = None) -> str:
    env = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.startswith("E:")]
        why = last[-1][2:].strip() if last else f"exit status {done.returncode}"
        raise DeviceError(
            f"{command[0]} failed while fetching the demo data ({why.rstrip('.')}): check the "
            "network and the package sources of this machine, then run the command again."
        )
    return done.stdout
