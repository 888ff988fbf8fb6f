"""A machine with TensorRT and a GPU that are not there: for tests, yours too.

:class:`FakeMachine` has the two modules that the TensorRT engine uses. They have the names, the
return values and the refusals of the real ones as far as the SDK meets them, and run graphs with
ONNX Runtime on the CPU. They prove how the SDK calls TensorRT, not what TensorRT computes.

    machine = FakeMachine(version="10.3.0")
    engine = TensorRtEngine(machine.binding, machine.cudart)
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, cast

from ..binding import Binding
from .building import BuilderConfig, Network, OnnxParser, OptimizationProfile, walk
from .cuda import FakeCudart
from .running import LAYER, CudaEngine, Plan, decode_plan, encode_plan
from .types import (
    BuilderFlag,
    DataType,
    ILogger,
    IProfiler,
    IProgressMonitor,
    MemoryPoolType,
    NetworkDefinitionCreationFlag,
    ProfilingVerbosity,
    Severity,
    TensorIOMode,
    numpy_type,
)

__all__ = ["FakeCudart", "FakeMachine", "FakeTensorRt"]


class FakeMachine:
    """One device: a TensorRT version and a GPU.

    Args:
        version: of TensorRT.
        capability: compute capability of the GPU.
        gpu: its name.
        multiprocessors: how many it has.
        steps: how many steps a build reports.
    """

    def __init__(
        self,
        version: str = "10.3.0",
        capability: tuple[int, int] = (8, 7),
        gpu: str = "Orin",
        multiprocessors: int = 8,
        steps: int = 3,
    ) -> None:
        self.version, self.capability, self.steps = version, capability, steps
        #: Stands in for cuda-python's runtime module.
        self.cudart = FakeCudart(gpu, capability, multiprocessors)
        #: How many engines were built to the end.
        self.builds = 0
        #: Stands in for the module ``tensorrt``.
        self.module = FakeTensorRt(self)

    @property
    def binding(self) -> Binding:
        """:attr:`module` as the SDK takes it."""
        return cast("Binding", self.module)


class FakeTensorRt:
    """Stands in for the module ``tensorrt``."""

    ILogger = ILogger
    IProfiler = IProfiler
    IProgressMonitor = IProgressMonitor
    NetworkDefinitionCreationFlag = NetworkDefinitionCreationFlag
    OnnxParser = OnnxParser
    BuilderFlag = BuilderFlag
    MemoryPoolType = MemoryPoolType
    ProfilingVerbosity = ProfilingVerbosity
    TensorIOMode = TensorIOMode
    DataType = DataType

    def __init__(self, machine: FakeMachine) -> None:
        self.__version__ = machine.version

        class Builder:
            """Builds on this machine."""

            def __init__(self, logger: ILogger) -> None:
                self._logger = logger

            def create_network(self, flags: int = 0) -> Network:
                """An empty network."""
                return Network(flags)

            def create_builder_config(self) -> BuilderConfig:
                """A configuration with TensorRT's defaults."""
                return BuilderConfig()

            def create_optimization_profile(self) -> OptimizationProfile:
                """An empty profile."""
                return OptimizationProfile()

            def build_serialized_network(
                self, network: Network, config: BuilderConfig
            ) -> bytes | None:
                """The plan; None where the monitor says to stop or a shape is open."""
                shapes = config.profiles[0].shapes if config.profiles else {}
                if any(-1 in t.shape and t.name not in shapes for t in network.inputs):
                    self._logger.log(Severity.ERROR, "an input has no optimization profile")
                    return None
                if not walk(config.progress_monitor, machine.steps):
                    return None
                machine.builds += 1
                taken = ", ".join(f"{{ Name: {t.name}, Datatype: Float }}" for t in network.inputs)
                listed = f"Name: {LAYER}, LayerType: fake, Inputs: [ {taken} ], Outputs: []"
                self._logger.log(Severity.VERBOSE, f"Layers:\n{listed}")
                plan = Plan(machine.version, machine.capability, shapes)
                return encode_plan(plan, network.graph)

        class Runtime:
            """Loads plans of this machine."""

            def __init__(self, logger: ILogger) -> None:
                self._logger = logger

            def deserialize_cuda_engine(self, serialized_engine: bytes) -> CudaEngine | None:
                """The engine; None for a plan of another version or GPU."""
                decoded = decode_plan(serialized_engine)
                if decoded is None:
                    self._logger.log(Severity.ERROR, "the plan has another magic tag")
                    return None
                plan, graph = decoded
                if (plan.version, plan.capability) != (machine.version, machine.capability):
                    self._logger.log(Severity.ERROR, "the plan is of another version or GPU")
                    return None
                return CudaEngine(machine.cudart, plan, graph, self._logger)

        self.Builder = Builder
        self.Runtime = Runtime

    @staticmethod
    def nptype(trt_type: IntEnum) -> Any:
        """The numpy type of a TensorRT type."""
        return numpy_type(trt_type)
