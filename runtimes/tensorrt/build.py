"""One ONNX graph to one serialised engine, with whichever binding is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from edge_sdk.bundle.manifest import ShapeRange
from edge_sdk.bundle.shapes import problem
from edge_sdk.errors import EngineError

from .binding import Binding, sizes
from .layers import Layer, layers_of
from .logs import Log
from .progress import Step, progress_monitor

if TYPE_CHECKING:
    import tensorrt

Configure = Callable[["tensorrt.IBuilderConfig"], None]


class BuildFlags(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an engine is built. Precision is not here: the graph's own types decide it.

    ``tf32`` lets fp32 products round to 10 bits of mantissa; ``level`` is how long TensorRT
    searches (0 to 5); ``workspace_mb`` bounds the scratch memory, None leaves TensorRT's bound.
    """

    tf32: bool = False
    level: int = 3
    workspace_mb: int | None = None


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A serialised engine, the warnings of the build, and its layers if the log lists them."""

    plan: bytes
    warnings: tuple[str, ...]
    layers: tuple[Layer, ...] = ()


class BuildStopped(Exception):
    """The build was stopped from outside; nothing came of it."""


def build_engine(
    trt: Binding,
    graph: bytes,
    profiles: Sequence[ShapeRange] = (),
    flags: BuildFlags | None = None,
    progress: Step = lambda phase, done, total: True,
    *,
    configure: Configure | None = None,
) -> Built:
    """Compile ``graph`` (ONNX), strongly typed: every layer computes in the type it is written in.

    Args:
        trt: the binding.
        graph: the bytes of an ONNX model, opset 20 at most.
        profiles: one for each input with an axis of any length.
        flags: how to build.
        progress: called as phases go on; False stops the build.
        configure: sets what one binding alone has (a compute capability).

    Raises:
        EngineError: TensorRT refuses the graph, a profile is missing or wrong, or the build fails.
        BuildStopped: ``progress`` returned False.
    """
    flags = flags or BuildFlags()
    log = Log(trt)
    builder = trt.Builder(log.logger)
    strongly = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(strongly)
    parser = trt.OnnxParser(network, log.logger)
    if not parser.parse(graph):
        raise EngineError(f"TensorRT {trt.__version__} refuses the graph: {_why(parser, log)}.")
    config = builder.create_builder_config()
    config.builder_optimization_level = flags.level
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if flags.tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:
        # TensorRT sets it by itself.
        config.clear_flag(trt.BuilderFlag.TF32)
    if flags.workspace_mb is not None:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, flags.workspace_mb << 20)
    if configure is not None:
        configure(config)
    _add_profiles(builder, network, config, profiles)
    stopped = False

    def step(phase: str, done: int, total: int) -> bool:
        nonlocal stopped
        stopped = stopped or not progress(phase, done, total)
        return not stopped

    monitor = progress_monitor(trt, step)
    if monitor is not None:
        config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if stopped:
        raise BuildStopped
    if plan is None:
        raise EngineError(f"TensorRT {trt.__version__} cannot build an engine: {log.last_error()}.")
    return Built(
        plan=bytes(plan),
        warnings=tuple(dict.fromkeys(log.warnings)),
        layers=layers_of(log.layers),
    )


def _why(parser: tensorrt.OnnxParser, log: Log) -> str:
    errors = [parser.get_error(index) for index in range(parser.num_errors)]
    if not errors:
        return log.last_error()
    parts = []
    for error in errors:
        place = f" (operator {error.node_operator()}, node {error.node_name()})"
        parts.append(" ".join(error.desc().split()) + (place if error.node_operator() else ""))
    return "; ".join(parts)


def _add_profiles(
    builder: tensorrt.Builder,
    network: tensorrt.INetworkDefinition,
    config: tensorrt.IBuilderConfig,
    profiles: Sequence[ShapeRange],
) -> None:
    by_name = {profile.input: profile for profile in profiles}
    inputs = [network.get_input(index) for index in range(network.num_inputs)]
    unknown = set(by_name) - {tensor.name for tensor in inputs}
    if unknown:
        raise EngineError(f"There is a shape profile for {min(unknown)}, which is no input.")
    wanted = builder.create_optimization_profile()
    for tensor in inputs:
        declared = sizes(tensor.shape)
        profile = by_name.get(tensor.name)
        if profile is None:
            if -1 in declared:
                raise EngineError(
                    f"The input {tensor.name} has an axis of any length and no shape profile; "
                    "convert the bundle again."
                )
            continue
        wrong = problem(profile) or _misfit(profile, declared)
        if wrong:
            raise EngineError(f"A shape profile cannot be used: {wrong}.")
        wanted.set_shape(tensor.name, profile.smallest, profile.usual, profile.largest)
    if by_name and config.add_optimization_profile(wanted) < 0:
        raise EngineError("TensorRT refuses the shape profiles of the graph.")


def _misfit(profile: ShapeRange, declared: tuple[int, ...]) -> str | None:
    if len(declared) != len(profile.smallest):
        return f"{profile.input} has {len(declared)} axes and its profile {len(profile.smallest)}"
    for axis, (size, low, high) in enumerate(
        zip(declared, profile.smallest, profile.largest, strict=True)
    ):
        if size != -1 and not low == high == size:
            return f"{profile.input} is {size} long along axis {axis}, and its profile differs"
    return None
