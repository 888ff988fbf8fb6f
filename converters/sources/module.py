"""Any nn.Module: given as it is, or built by a callable that the user names."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from edge_sdk.errors import CheckpointError, UsageError

from ..checkpoint.pt import load_plain
from ..pruning.shapes import fit_pruned
from ..source import Source
from . import Origin
from .cut import cut
from .spec import Described, described


class ModuleSource:
    """Reads ``package.module:callable`` and nn.Modules."""

    description = "--model package.module:callable with --spec"

    def matches(self, origin: Origin) -> bool:
        """Whether a module or a callable is given."""
        return origin.module is not None or origin.model is not None

    def read(self, origin: Origin) -> Source:
        """Build the module, load its weights if they are given, and cut it."""
        told = described(origin)
        module = origin.module if origin.module is not None else build(origin.model or "")
        if origin.weights is not None:
            load_weights(module, origin.weights)
        return source_of(module, told, stable=False)


def source_of(module: nn.Module, told: Described, *, stable: bool, digest: str = "") -> Source:
    """A module and its spec as a source."""
    lazy = [name for name, weight in module.named_parameters() if is_lazy(weight)]
    if lazy:
        raise CheckpointError(
            f"The weight {lazy[0]} has no size yet: run the model once on an example before you "
            "give it (a lazy module learns its sizes so)."
        )
    module = module.float()
    return Source(
        name=told.spec.name,
        digest=digest or _digest(module, told),
        frontends=told.frontends,
        heads=tuple(output.head for output in told.spec.outputs),
        parts=cut(module, told),
        stable=stable,
        module=module,
    )


def build(model: str) -> nn.Module:
    """Import and call ``package.module:callable``; the current folder is importable.

    Raises:
        UsageError: the words are not of that form, or nothing of that name exists.
        CheckpointError: the callable fails, or gives no nn.Module.
    """
    where, colon, name = model.partition(":")
    if not colon or not where or not name:
        raise UsageError(f"--model must be package.module:callable, not {model!r}.")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = importlib.import_module(where)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--model {model}: there is no module {error.name!r} here; run the command in the "
            "folder that holds it, or install it."
        ) from error
    except AttributeError as error:
        raise UsageError(f"--model {model}: {where} has no {name!r}.") from error
    except Exception as error:  # the user's own code may raise anything
        raise CheckpointError(f"--model {model}: importing it fails: {error}.") from error
    try:
        module = found() if callable(found) and not isinstance(found, nn.Module) else found
    except Exception as error:
        raise CheckpointError(f"--model {model}: calling it fails: {error}.") from error
    if not isinstance(module, nn.Module):
        raise CheckpointError(
            f"--model {model} gives {type(module).__name__}; it must give an nn.Module."
        )
    return module


def load_weights(module: nn.Module, path: Path) -> None:
    """Put the weights of a ``.safetensors`` or ``.pt`` file into ``module``; runs no code.

    A folder written by ``edge-sdk prune`` gives the module its pruned shapes first.

    Raises:
        CheckpointError: the file is missing, damaged or unsafe, or its weights are of another
            model.
    """
    if path.is_dir():
        path = fit_pruned(module, path)
    weights = _read(path)
    try:
        module.load_state_dict(dict(weights))
    except RuntimeError as error:
        why = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise CheckpointError(f"The weights in {path} are of another model: {why}") from error


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise CheckpointError(f"There are no weights at {path}.")
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except SafetensorError as error:
            raise CheckpointError(f"{path} is damaged: {error}.") from error
    content = load_plain(path, "model.state_dict()")
    for key in ("state_dict", "state", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise CheckpointError(f"{path} must hold a state_dict: names and tensors.")
    return content


def _digest(module: nn.Module, told: Described) -> str:
    total = hashlib.sha256(told.encoded())
    total.update(repr(module).encode())
    for name, tensor in sorted({**module.state_dict()}.items()):
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        total.update(flat.view(torch.uint8).numpy().tobytes())
    return total.hexdigest()
