"""Quantisation-aware fine-tuning: the model trained with the rounding of int8 in its forward pass.

The last resort, where no form of the model as it came keeps the budget. Weights and inputs of the
layers that will be int8 are rounded as the engine will round them, gradients pass straight through
(Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", 2018), and the model in fp32 is the teacher. What comes out are weights in fp32 that
lose less when they are quantised; they go through export and quantiser like any others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from edge_sdk.errors import UsageError
from edge_sdk.frontends import Frontends
from edge_sdk.samples import SampleSet
from edge_sdk.targets import Int8Scheme, TargetProfile

from ..backends.protocol import PartWork
from ..blame import own_paths
from ..cache import StageCache
from ..feeds import wiring_of
from ..progress import Progress, silent
from ..pruning.data import RecoveryData, shares
from ..pruning.model import Parts, module_of
from ..pruning.recovery import recover
from ..pruning.report import RecoveryReport
from ..pruning.result import source_of
from ..reference import Reference
from ..source import Source
from ..works import Works, export_parts, tools
from .layers import layer_of
from .plan import QuantisationPlan

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_OPERATORS = ("Conv", "Gemm", "MatMul")


class TunedSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source with learned weights, which everything takes that takes a source.

    Attributes:
        source: the fine-tuned model.
        report: how the training went; ``best`` is None where no epoch was better than the model
            as it came, which then stays.
        layers: the layers that were rounded in training, by part.
    """

    source: Source
    report: RecoveryReport
    layers: dict[str, tuple[str, ...]]


def finetune_quantised(
    source: Source,
    plan: QuantisationPlan,
    *,
    profile: TargetProfile,
    training: SampleSet,
    store: StageCache | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> TunedSource:
    """Fine-tune a model for the int8 form that ``plan`` describes; ``source`` itself is left alone.

    Linear and convolution layers are rounded, but those that the plan keeps; recurrent layers
    compute in floating point anyway and are trained as they are.

    Args:
        source: the model; its own fp32 answers are what it is trained towards.
        plan: ``finetune`` bounds the training (its loop, or a function of the user's); the ranges
            are those of its calibrator.
        profile: whose int8 scheme it is trained for.
        training: samples to calibrate and train on: never those that the gate judges by.
        store: where exported graphs, ranges and learned weights are kept.
        seed: of everything that is drawn.
        progress: called as stages go on.

    Raises:
        UsageError: the plan has no ``finetune``, or the model came as a graph.
        DataError: samples that the model cannot take, or a loss that is not finite.
    """
    if plan.finetune is None:
        raise UsageError("There is nothing to fine-tune by: the plan has no finetune.")
    if source.module is None or any(spec.module is None for spec in source.parts):
        raise UsageError(
            f"The model {source.name} came as a graph, which cannot be trained; fine-tuning needs "
            "the nn.Module: give it with --model package.module:callable."
        )
    store = store or StageCache(None)
    works = _works(source, plan, profile, training, store, progress)
    tuned, teacher = Parts.of(source), Parts.of(source)
    layers = {work.name: tuple(_rounded(work, module_of(spec)))
              for work, spec in zip(works, tuned.specs, strict=True)}  # fmt: skip
    key = (
        f"fine-tuned {tools()} {source.digest} {training.digest()} {profile.int8} {seed} "
        f"{msgspec.json.encode(plan).decode()}"
    )
    # Neither code of the user's nor a module of the user's is in the key.
    kept = store if source.stable and plan.finetune.finetune is None else StageCache(None)
    content = kept.get(
        key, lambda: _trained(source, tuned, teacher, works, plan, training, seed, progress)
    )
    held = msgspec.msgpack.decode(content, type=_Held)
    _load(tuned, held.weights)
    return TunedSource(source=source_of(tuned), report=held.report, layers=layers)


class _Held(msgspec.Struct, frozen=True):
    weights: bytes
    report: RecoveryReport


def _works(
    source: Source, plan: QuantisationPlan, profile: TargetProfile, samples: SampleSet,
    store: StageCache, progress: Progress,
) -> list[PartWork]:  # fmt: skip
    graphs = export_parts(source, store, progress)
    base = {name: Reference(graph) for name, graph in graphs.items()}
    wiring = wiring_of(Frontends(source.frontends).modalities, graphs)
    works = Works(source, graphs, base, wiring, samples, store, progress)
    return [works.make(spec, profile, plan) for spec in source.parts]


def _trained(
    source: Source, tuned: Parts, teacher: Parts, works: list[PartWork], plan: QuantisationPlan,
    training: SampleSet, seed: int, progress: Progress,
) -> bytes:  # fmt: skip
    from safetensors.torch import save

    assert plan.finetune is not None
    fit, watch = shares(training, seed)
    data = RecoveryData(
        samples=fit, validation=watch, teacher=teacher.whole, frontends=source.frontends,
        heads=source.heads, recovery=plan.finetune, seed=seed, progress=progress,
    )  # fmt: skip
    with _rounding(tuned, works):
        report = recover(tuned, teacher, data)
    state = {n: t.detach().clone().contiguous() for n, t in tuned.holder.state_dict().items()}
    content: bytes = msgspec.msgpack.encode(_Held(save(state), report))
    return content


def _load(parts: Parts, content: bytes) -> None:
    from safetensors.torch import load

    parts.holder.load_state_dict(load(content))


def _rounded(work: PartWork, module: nn.Module) -> dict[str, tuple[nn.Module, tuple[float, float]]]:
    """By name, the layers of a part that are rounded in training, and the range of their input."""
    seen, modules = work.calibration(), dict(module.named_modules())
    named = {name: modules[path] for path, name in own_paths(module).items() if path in modules}
    found: dict[str, tuple[nn.Module, tuple[float, float]]] = {}
    for node in work.graph.graph.node:
        name = layer_of(node)
        layer = named.get(name)
        if node.op_type not in _OPERATORS or not isinstance(layer, _LAYERS):
            continue
        if name not in work.plan.keep and node.input[0] in seen.ranges:
            found[name] = (layer, seen.ranges[node.input[0]])
    return found


@contextmanager
def _rounding(parts: Parts, works: list[PartWork]) -> Iterator[None]:
    """Within the block the layers compute on rounded weights and inputs."""
    undo = []
    done: list[nn.Module] = []
    try:
        for work, spec in zip(works, parts.specs, strict=True):
            for layer, span in _rounded(work, module_of(spec)).values():
                # Layers that parts share are rounded once.
                if any(layer is other for other in done):
                    continue
                done.append(layer)
                parametrize.register_parametrization(layer, "weight", _Weights(work.scheme))
                undo.append(layer.register_forward_pre_hook(_Inputs(work.scheme, span)))
        yield
    finally:
        for hook in undo:
            hook.remove()
        for layer in done:
            if parametrize.is_parametrized(layer, "weight"):
                parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)


class _Weights(nn.Module):
    """A weight as int8 gives it back: symmetric, a scale for each index of axis 0 or for all."""

    def __init__(self, scheme: Int8Scheme) -> None:
        super().__init__()
        self._per_channel = scheme.per_channel
        self._most = 63 if scheme.reduce_range else 127

    def forward(self, weight: Tensor) -> Tensor:
        """The rounded weight; gradients pass straight through."""
        largest = weight.detach().abs()
        axes = tuple(range(1 if self._per_channel else 0, weight.ndim))
        scale = largest.amax(axes, keepdim=True).clamp_min(1e-12) / self._most
        rounded = torch.round(weight.detach() / scale).clamp(-self._most, self._most) * scale
        return weight + (rounded - weight.detach())


class _Inputs:
    """The input of a layer as int8 gives it back; beyond the calibrated range there is no slope."""

    def __init__(self, scheme: Int8Scheme, span: tuple[float, float]) -> None:
        low, high = min(span[0], 0.0), max(span[1], 0.0)
        if scheme.symmetric_activation:
            low, high = -max(-low, high), max(-low, high)
        self._scale = max((high - low) / 255, 1e-12)
        zero = round(low / self._scale)
        self._low, self._high = zero * self._scale, (zero + 255) * self._scale

    def __call__(self, layer: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Called before the layer with its arguments."""
        value = arguments[0].clamp(self._low, self._high)
        rounded = torch.round(value.detach() / self._scale) * self._scale
        return (value + (rounded - value.detach()), *arguments[1:])
