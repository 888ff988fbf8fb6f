"""The fake binding's way from an ONNX graph to a plan."""

from __future__ import annotations

from collections.abc import Sequence

from .running import Shapes
from .types import (
    BuilderFlag,
    ILogger,
    IProgressMonitor,
    MemoryPoolType,
    ProfilingVerbosity,
    Severity,
    Tensor,
    open_session,
    tensor_of,
)


class Network:
    """What the parser fills."""

    def __init__(self, flags: int) -> None:
        self.flags = flags
        self.graph = b""
        self.inputs: list[Tensor] = []

    @property
    def num_inputs(self) -> int:
        """How many inputs there are."""
        return len(self.inputs)

    def get_input(self, index: int) -> Tensor:
        """One of them."""
        return self.inputs[index]


class ParserError:
    """What the parser has against a graph."""

    def __init__(self, text: str) -> None:
        self._text = text

    def desc(self) -> str:
        """The description."""
        return self._text

    def node_name(self) -> str:
        """The node, where it is known."""
        return ""

    def node_operator(self) -> str:
        """Its operator, where it is known."""
        return ""


class OnnxParser:
    """Parses what ONNX Runtime takes."""

    def __init__(self, network: Network, logger: ILogger) -> None:
        self._network, self._logger = network, logger
        self._errors: list[ParserError] = []

    def parse(self, model: bytes, path: str = "") -> bool:
        """Whether the graph was taken."""
        try:
            session = open_session(model)
        except Exception as error:  # ONNX Runtime has a class of its own for each status
            self._errors.append(ParserError(str(error)))
            self._logger.log(Severity.ERROR, str(error))
            return False
        self._network.graph = bytes(model)
        self._network.inputs = [tensor_of(node) for node in session.get_inputs()]
        return True

    @property
    def num_errors(self) -> int:
        """How many errors there are."""
        return len(self._errors)

    def get_error(self, index: int) -> ParserError:
        """One of them."""
        return self._errors[index]


class OptimizationProfile:
    """Shapes by input."""

    def __init__(self) -> None:
        self.shapes: dict[str, Shapes] = {}

    def set_shape(
        self, input: str, min: Sequence[int], opt: Sequence[int], max: Sequence[int]
    ) -> None:
        """Set the shapes of one input."""
        self.shapes[input] = (tuple(min), tuple(opt), tuple(max))


class BuilderConfig:
    """How to build."""

    def __init__(self) -> None:
        self.builder_optimization_level = 3
        self.profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
        self.progress_monitor: IProgressMonitor | None = None
        self.flags = {BuilderFlag.TF32}
        self.limits: dict[MemoryPoolType, int] = {}
        self.profiles: list[OptimizationProfile] = []

    def set_flag(self, flag: BuilderFlag) -> None:
        """Set a flag."""
        self.flags.add(flag)

    def clear_flag(self, flag: BuilderFlag) -> None:
        """Clear a flag."""
        self.flags.discard(flag)

    def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
        """Bound a pool, in bytes."""
        self.limits[pool] = pool_size

    def add_optimization_profile(self, profile: OptimizationProfile) -> int:
        """The index of the profile, -1 if it is not valid."""
        for low, best, high in profile.shapes.values():
            if not all(a <= b <= c for a, b, c in zip(low, best, high, strict=True)):
                return -1
        self.profiles.append(profile)
        return len(self.profiles) - 1


def walk(monitor: IProgressMonitor | None, steps: int) -> bool:
    """Report a build to its monitor, as TensorRT does; False where it says to stop."""
    if monitor is None:
        return True
    outer, inner = "Building Engine", "Tactic Selection"
    monitor.phase_start(outer, None, steps)
    for done in range(steps):
        monitor.phase_start(inner, outer, 1)
        going = monitor.step_complete(inner, 0)
        monitor.phase_finish(inner)
        if not going or not monitor.step_complete(outer, done):
            monitor.phase_finish(outer)
            return False
    monitor.phase_finish(outer)
    return True
