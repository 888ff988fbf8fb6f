"""Which layer of the user's module an error came from, as words."""

from __future__ import annotations

from types import TracebackType

from torch import nn


def blame(error: BaseException, module: nn.Module) -> str:
    """The first line of ``error`` and, where it can be seen, the layer it arose in."""
    lines = str(error).strip().splitlines()
    what = lines[0].strip().rstrip(".") if lines else type(error).__name__
    layer = layer_of(error, module)
    return f"{what} (in {layer})" if layer else what


def layer_of(error: BaseException, module: nn.Module) -> str | None:
    """The innermost submodule whose code ``error`` passed through: ``encoder.conv (Conv1d)``."""
    names = {id(child): name for name, child in module.named_modules()}
    seen: BaseException | None = error
    while seen is not None:
        found = _innermost(seen.__traceback__, names)
        if found is not None:
            return named(names[id(found)], type(found).__name__)
        seen = seen.__cause__ or seen.__context__
    return None


def named(path: str, kind: str) -> str:
    """A layer's path in the user's own module, and its class."""
    own = _own(path)
    return f"the layer {own} ({kind})" if own else f"the forward of {kind}"


def own_paths(module: nn.Module) -> dict[str, str]:
    """The path of every submodule as the user knows it, by its path in ``module``."""
    return {path: _own(path) for path, _ in module.named_modules()}


def _own(path: str) -> str:
    return ".".join(p for p in path.split(".") if p not in _WRAPPERS)


# Names that the adaptation in `sources.adapt` puts in front of the user's own.
_WRAPPERS = {"inner", "owner"}


def _innermost(traceback: TracebackType | None, names: dict[int, str]) -> nn.Module | None:
    found = None
    while traceback is not None:
        owner = traceback.tb_frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and id(owner) in names:
            found = owner
        traceback = traceback.tb_next
    return found
