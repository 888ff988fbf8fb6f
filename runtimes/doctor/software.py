"""Engines and decoders: the packages behind them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from edge_sdk.errors import EdgeError

from ..engines import engine_names, load_engine
from .finding import Finding, absent

# What a package decodes, by the name it is imported by.
_DECODERS = {
    "soundfile": ("soundfile", "recordings"),
    "soxr": ("soxr", "recordings at other rates"),
    "PIL": ("pillow", "pictures"),
}


def check_engines() -> Iterator[Finding]:
    """Every registered engine, with its version and providers."""
    for name in engine_names():
        try:
            engine = load_engine(name)
            detail = engine.version()
        except EdgeError as error:
            yield absent(f"engine {name}", error)
            continue
        providers: tuple[str, ...] = getattr(engine, "providers", tuple)()
        shown = f" ({', '.join(providers)})" if providers else ""
        yield Finding(subject=f"engine {name}", state="ok", detail=detail + shown)


def check_decoders() -> Iterator[Finding]:
    """The packages that read recordings and pictures."""
    for module, (package, what) in _DECODERS.items():
        try:
            import_module(module)
            yield Finding(subject=what, state="ok", detail=f"{package} {version(package)}")
        except (ImportError, OSError, PackageNotFoundError) as error:
            yield Finding(
                subject=what, state="bad", detail=f"{error}", mend=f"pip install {package}"
            )
