"""What a backend is: it makes a part's graph for one engine, or says why it cannot.

A new engine on the build host is one module with a class of :class:`Backend`, named by the
entry-point group ``edge_sdk.backends``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec
import onnx
from numpy.typing import NDArray

from edge_sdk.bundle.manifest import FloatShare, ShapeRange, StateSpec
from edge_sdk.targets import Int8Scheme, Precision

from ..cache import StageCache
from ..calibration.coverage import Coverage
from ..calibration.ranges import Calibration
from ..parts import PartSpec
from ..quantisation.plan import QuantisationPlan

Feed = Mapping[str, NDArray[Any]]


class AccuracyJudge(Protocol):
    """Says what an ONNX form of a part costs on evaluation samples."""

    @property
    def limit(self) -> float:
        """Points of macro-F1 that the worst head may lose."""
        ...

    @property
    def labelled(self) -> bool:
        """Whether the samples say what is right."""
        ...

    @property
    def key(self) -> str:
        """Text that names what it judges by, for the cache."""
        ...

    def drop(self, part: str, content: bytes) -> float:
        """Points that the worst head loses with this form of ``part``, given those settled."""
        ...

    def settle(self, part: str, content: bytes) -> None:
        """This form of ``part`` will ship: what follows is judged with it."""
        ...


class PartWork(msgspec.Struct, kw_only=True):
    """A part on its way through the backends.

    Attributes:
        name: the part's name.
        key: text that names its weights, for the cache.
        spec: its torch module, where the model came with one.
        graph: its fp32 ONNX graph, held against torch; the reference of everything.
        feeds: its inputs over the calibration samples, made one at a time.
        few: some of them, to hold a form of the part against another.
        feeds_key: text that names those samples, for the cache.
        calibration: its activation ranges over them by the plan's calibrator, observed when first
            asked for.
        scheme: how the target lays out int8.
        lengths: for engines without dynamic axes, the length of each by its name.
        longest: the most that the front-ends give along each such axis.
        store: where results are kept.
        streaming: whether a streaming form is wanted that is a graph of its own, with weights of
            its own.
        plan: how its int8 form is made.
        judge: says what a form of the part costs in accuracy; None where nothing is held out.
    """

    name: str
    key: str
    spec: PartSpec | None
    graph: onnx.ModelProto
    feeds: Callable[[], Iterator[Feed]]
    few: Callable[[], Iterator[Feed]]
    feeds_key: str
    calibration: Callable[[], Calibration]
    scheme: Int8Scheme
    lengths: Mapping[str, int]
    longest: Mapping[str, int]
    store: StageCache
    streaming: bool = False
    plan: QuantisationPlan = QuantisationPlan()
    judge: AccuracyJudge | None = None


def unused_notes(engine: str, plan: QuantisationPlan) -> tuple[str, ...]:
    """Sentences on what of a plan only the static int8 of ONNX Runtime does."""
    asked = {"equalise": plan.equalise, "correct_bias": plan.correct_bias}
    names = " and ".join(name for name, wanted in asked.items() if wanted)
    return (f"{engine} takes no {names}: ONNX Runtime's static int8 alone does.",) if names else ()


class StreamForm(msgspec.Struct, frozen=True, kw_only=True):
    """How an artefact runs along a stream.

    Attributes:
        frames: how many frames a step takes.
        multiples: whether a step may take any multiple of that.
        states: what goes round from step to step.
        content: the graph of a step; empty: the artefact itself, its states fed.
    """

    frames: int
    multiples: bool
    states: tuple[StateSpec, ...]
    content: bytes = b""


class Artefact(msgspec.Struct, frozen=True, kw_only=True):
    """A part's graph for one engine at one precision, as it goes into the bundle.

    ``streaming`` is its form for streams, or a sentence that says why it has none; empty for a
    part that is no sequence of sound. ``kernels`` is a sentence on what the engine's compiler made
    of it on this host; empty without one. ``kept`` says of layers that were kept in floating point
    why; ``coverage`` whether the ranges of its calibration have settled. ``notes`` are sentences on
    what of the plan was tried and kept, or does not hold for this engine.
    """

    engine: str
    precision: Precision
    suffix: str
    content: bytes
    stayed_float: FloatShare | None = None
    shapes: tuple[ShapeRange, ...] = ()
    streaming: StreamForm | str = ""
    kernels: str = ""
    kept: dict[str, str] = {}
    coverage: Coverage | None = None
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.content)

    @property
    def streaming_size(self) -> int:
        """Bytes of the graph of a step, where it is one of its own."""
        return 0 if isinstance(self.streaming, str) else len(self.streaming.content)


class Runner(Protocol):
    """Runs an artefact on the build host, with the interface of the fp32 graph."""

    def run(self, inputs: Feed) -> dict[str, NDArray[Any]]:
        """The outputs by name."""
        ...


@runtime_checkable
class Releases(Protocol):
    """A runner that can do without its memory until it runs again."""

    def release(self) -> None:
        """Let go of what was loaded."""
        ...


class Backend(Protocol):
    """Makes and runs artefacts for one engine."""

    engine: str
    #: What it can make, the most compact first.
    precisions: tuple[Precision, ...]
    #: Whether the time that its runner takes here says anything of the engine's.
    measures: bool

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The artefact of a part.

        Raises:
            ExportError: the engine cannot express the part; the sentence names what.
            DependencyError: the tools of this backend are not installed.
        """
        ...

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> Runner:
        """Run ``artefact`` here: as written, or with the engine's own kernels (``optimise``)."""
        ...
