"""Giving the layers of a module other widths: what a pruned checkpoint needs to be built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

Shapes = Mapping[str, Sequence[int]]


def resize(module: nn.Module, shapes: Shapes) -> None:
    """Give weights of ``module`` the shapes of a record, uninitialised, and tell their layers.

    Raises:
        ValueError: a name is not a weight of the module, or a shape has another rank.
    """
    known = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    for name, shape in shapes.items():
        if name not in known:
            raise ValueError(f"there is no weight {name!r}")
        if known[name].ndim != len(shape):
            raise ValueError(f"{name} has {known[name].ndim} axes, not {len(shape)}")
    replace(module, {name: torch.zeros(tuple(shape)) for name, shape in shapes.items()})


def replace(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put ``weights`` in place of those of the same names and correct the layers' sizes.

    A weight that the module holds under several names is replaced under all of them.
    """
    places = _places(module)
    old = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    touched: dict[int, tuple[nn.Module, dict[str, torch.Size]]] = {}
    for name, tensor in weights.items():
        for owner, attribute in places[id(old[name])]:
            touched.setdefault(id(owner), (owner, _sizes(owner)))
            if isinstance(old[name], nn.Parameter):
                new: Tensor = nn.Parameter(tensor, requires_grad=old[name].requires_grad)
            else:
                new = tensor
            setattr(owner, attribute, new)
    for owner, sizes in touched.values():
        _correct(owner, sizes)


def shapes_of(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of every weight by name."""
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _places(module: nn.Module) -> dict[int, list[tuple[nn.Module, str]]]:
    found: dict[int, list[tuple[nn.Module, str]]] = {}
    for owner in module.modules():
        for values in (owner._parameters, owner._buffers):
            for name, tensor in values.items():
                if tensor is not None:
                    found.setdefault(id(tensor), []).append((owner, name))
    return found


def _sizes(owner: nn.Module) -> dict[str, torch.Size]:
    own = {**owner._parameters, **owner._buffers}
    return {name: tensor.shape for name, tensor in own.items() if tensor is not None}


def _correct(owner: nn.Module, before: Mapping[str, torch.Size]) -> None:
    for kind, correct in _CORRECTIONS:
        if isinstance(owner, kind):
            correct(owner, before)
            return


def _linear(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    layer.out_features, layer.in_features = _weight(layer).shape  # type: ignore[assignment]


def _convolution(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    assert isinstance(layer, nn.modules.conv._ConvNd)
    weight = layer.weight
    if layer.transposed:
        layer.in_channels, layer.out_channels = weight.shape[0], weight.shape[1] * layer.groups
        return
    if layer.groups > 1 and before["weight"][1] == 1:
        # Depthwise: so many outputs a channel, and fewer channels.
        layer.groups = weight.shape[0] * layer.groups // before["weight"][0]
    layer.in_channels, layer.out_channels = weight.shape[1] * layer.groups, weight.shape[0]


def _norm(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    layer.num_features = next(iter(_sizes(layer).values()))[0]  # type: ignore[assignment]


def _layer_norm(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    layer.normalized_shape = tuple(_weight(layer).shape)  # type: ignore[assignment]


def _group_norm(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    layer.num_channels = len(_weight(layer))  # type: ignore[assignment]


def _embedding(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    layer.embedding_dim = _weight(layer).shape[1]  # type: ignore[assignment]


def _recurrent(layer: nn.Module, before: Mapping[str, torch.Size]) -> None:
    first, again = ("weight_ih_l0", "weight_hh_l0")
    if isinstance(layer, nn.RNNCellBase):
        first, again = ("weight_ih", "weight_hh")
    layer.input_size = getattr(layer, first).shape[1]
    layer.hidden_size = getattr(layer, again).shape[1]


def _weight(layer: nn.Module) -> Tensor:
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight


_Correction = Callable[[nn.Module, Mapping[str, torch.Size]], None]
_CORRECTIONS: tuple[tuple[type[nn.Module], _Correction], ...] = (
    (nn.Linear, _linear),
    (nn.modules.conv._ConvNd, _convolution),
    (nn.modules.batchnorm._NormBase, _norm),
    (nn.LayerNorm, _layer_norm),
    (nn.RMSNorm, _layer_norm),
    (nn.GroupNorm, _group_norm),
    (nn.Embedding, _embedding),
    (nn.RNNBase, _recurrent),
    (nn.RNNCellBase, _recurrent),
)
