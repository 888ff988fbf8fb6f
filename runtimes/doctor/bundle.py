"""Whether a bundle runs here."""

from __future__ import annotations

from collections.abc import Iterator

from edge_sdk.bundle import Bundle
from edge_sdk.errors import EdgeError
from edge_sdk.targets import detect_local

from ..engines import EngineOptions
from ..parts import LoadedParts, choose_edition
from ..selftest import check_golden
from .finding import Finding, absent


def check_bundle(bundle: Bundle) -> Iterator[Finding]:
    """Its files, whether it is meant for this processor, and every edition's golden values."""
    name = bundle.path.name
    try:
        files = bundle.check_files()
        yield Finding(subject=name, state="ok", detail=f"{files} files match their hashes")
    except EdgeError as error:
        mend = "copy the bundle again, or convert it again"
        yield Finding(subject=name, state="bad", detail=str(error), mend=mend)
        return
    yield _target(bundle)
    for edition in bundle.manifest.all_editions():
        yield _edition(bundle, edition)


def _target(bundle: Bundle) -> Finding:
    target, local = bundle.manifest.target, detect_local()
    saturates = local.int8.reduce_range and not target.int8.reduce_range
    if target.arch == local.arch and not saturates:
        return Finding(
            subject="target", state="ok", detail=f"made for {target.name}; fits this processor"
        )
    why = "it uses full-range int8, which saturates here" if saturates else f"it is {target.arch}"
    return Finding(
        subject="target",
        state="absent",
        detail=f"made for {target.name}, and this is {local.arch}: {why}",
        mend="edge-sdk convert ... --target local",
    )


def _edition(bundle: Bundle, edition: str) -> Finding:
    subject = f"edition {edition}"
    try:
        choose_edition(bundle.manifest, edition)
    except EdgeError as error:
        return absent(subject, error)
    try:
        options = EngineOptions(threads=bundle.manifest.target.threads)
        parts = LoadedParts(bundle, edition, options)
        results = [result for _, result in check_golden(bundle, parts)]
    except EdgeError as error:
        return Finding(subject=subject, state="bad", detail=str(error))
    failed = [result for result in results if not result.ok]
    if failed:
        detail = f"{len(failed)} of {len(results)} golden checks fail, first {failed[0].stage}"
        return Finding(subject=subject, state="bad", detail=detail, mend="edge-sdk verify")
    return Finding(subject=subject, state="ok", detail=f"{len(results)} golden checks hold")
