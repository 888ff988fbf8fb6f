"""Whether a bundle runs here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from edge_sdk.bundle import Bundle
from edge_sdk.errors import EdgeError
from edge_sdk.targets import detect_local

from ..engines import EngineOptions
from ..parts import LoadedParts, choose_edition
from ..placement import PartPlacement, placements, spelled
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
        yield from _edition(bundle, edition)


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


def _edition(bundle: Bundle, edition: str) -> Iterator[Finding]:
    subject = f"edition {edition}"
    try:
        choose_edition(bundle.manifest, edition)
    except EdgeError as error:
        yield absent(subject, error)
        return
    try:
        options = EngineOptions(threads=bundle.manifest.target.threads, trace=True)
        with closing(LoadedParts(bundle, edition, options)) as parts:
            results = [result for _, result in check_golden(bundle, parts)]
            placed = placements(parts) if results else []
    except EdgeError as error:
        yield Finding(subject=subject, state="bad", detail=str(error))
        return
    failed = [result for result in results if not result.ok]
    if failed:
        detail = f"{len(failed)} of {len(results)} golden checks fail, first {failed[0].stage}"
        yield Finding(subject=subject, state="bad", detail=detail, mend="edge-sdk verify")
    else:
        yield Finding(subject=subject, state="ok", detail=f"{len(results)} golden checks hold")
    for one in placed:
        yield Finding(subject=f"{subject}, {one.part}", state="ok", detail=_placed(one))


def _placed(one: PartPlacement) -> str:
    """Where a part ran, in a few words."""
    told = one.placement
    if told is None:
        return f"{one.precision} on {one.provider}; {one.engine} cannot tell where its nodes run"
    if not told.total:
        return f"{one.precision} on {one.provider}"
    shown = [f"{one.precision}, {told.total} nodes on {one.provider}"]
    for name, operators in one.elsewhere.items():
        shown.append(f"of these on {name} {spelled(operators)}")
    if one.precision.startswith("int8"):
        shown.append(f"in float {spelled(told.in_float) or 'nothing'}")
    return "; ".join(shown)
