"""What a conversion writes beside or into the bundle when it is asked to: recipe and report."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import msgspec

from edge_sdk.errors import DependencyError, StorageError
from edge_sdk.files import check_writable, replacing

from .report import ConversionReport
from .report_page import page_of


class Extras(msgspec.Struct, frozen=True):
    """Where to write the recipe, whether the bundle carries the report, and a folder for it."""

    write_recipe: str | Path | None = None
    report: bool = False
    report_to: str | Path | None = None

    @property
    def wants_report(self) -> bool:
        """Whether a report is to be made at all."""
        return self.report or self.report_to is not None

    def check(self) -> None:
        """See before long work that all of it can be made and written.

        Raises:
            DependencyError: matplotlib, which draws the report, is not installed.
            StorageError: a place cannot be written, or the folder is a file.
        """
        if self.write_recipe is not None:
            check_writable(Path(self.write_recipe))
        if self.wants_report and find_spec("matplotlib") is None:
            raise DependencyError(
                "A report needs matplotlib, which is not installed: pip install 'edge-sdk[report]'."
            )
        if self.report_to is not None:
            folder = Path(self.report_to)
            check_writable(folder)
            if folder.exists() and not folder.is_dir():
                raise StorageError(f"{folder} is a file, and the report needs a folder.")

    def files(self, report: ConversionReport) -> dict[str, bytes]:
        """The report's files by name; none if no report is wanted."""
        if not self.wants_report:
            return {}
        page = page_of(report).render()
        return {"report.json": as_json(report), "report.html": page.encode()}

    def write(self, recipe: bytes, files: dict[str, bytes]) -> None:
        """Write what goes beside the bundle.

        Raises:
            StorageError: a place cannot be written or is full.
        """
        if self.write_recipe is not None:
            with replacing(Path(self.write_recipe)) as aside:
                aside.write_bytes(recipe)
        if self.report_to is not None:
            folder = Path(self.report_to)
            folder.mkdir(exist_ok=True)
            for name, content in files.items():
                with replacing(folder / name) as aside:
                    aside.write_bytes(content)


def as_json(report: ConversionReport) -> bytes:
    """A report as the bytes of its file."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"
