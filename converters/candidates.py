"""What might ship for one engine: the artefacts of every part, of one form of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import onnx

from edge_sdk.errors import CrashError, ExportError
from edge_sdk.targets import Precision

from .backends import Artefact, Backend, PartWork, Runner, load_backend
from .memory import give_back
from .progress import Progress, silent
from .source import Source
from .whereabouts import converting
from .works import Works

# Where a part goes that an edition's own engine cannot express.
FALLBACK = "onnxruntime"


class Make(msgspec.Struct, frozen=True):
    """What was done to the model's weights before any precision: nothing, as it came.

    ``pruned`` is the share of channels that was taken away; ``tuned`` whether what was left was
    fine-tuned for int8.
    """

    pruned: float = 0.0
    tuned: bool = False

    @property
    def words(self) -> str:
        """How it is called in tables and sentences; empty for the model as it came."""
        return make_words(self.pruned, self.tuned)


def make_words(pruned: float, tuned: bool) -> str:
    """``pruned 30%, fine-tuned``; empty for the model as it came."""
    words = [f"pruned {pruned:.0%}"] if pruned else []
    return ", ".join([*words, "fine-tuned"] if tuned else words)


class Form(msgspec.Struct, frozen=True):
    """The model as it was made: its graphs in fp32, and what runs them.

    ``trained`` says whether it learned from samples, ``notes`` are sentences on how it was made.
    """

    make: Make
    source: Source
    graphs: Mapping[str, onnx.ModelProto]
    base: Mapping[str, Runner]
    works: Works
    trained: bool = False
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether it has other weights than the model as it came."""
        return self.make != Make()

    def content(self, part: str) -> bytes:
        """A part's fp32 graph as bytes."""
        content: bytes = self.graphs[part].SerializeToString(deterministic=True)
        return content


class Candidates(msgspec.Struct, frozen=True):
    """What might ship for one engine: artefacts and their runners by part and precision.

    ``rejected`` says of precisions that were made and are not worth shipping why, by part.
    """

    engine: str
    form: Form
    artefacts: dict[str, dict[Precision, Artefact]]
    runners: dict[str, dict[Precision, Runner]]
    fallbacks: dict[str, str]
    rejected: dict[str, tuple[str, ...]] = {}

    @property
    def choices(self) -> dict[str, tuple[Precision, ...]]:
        """The precisions of each part, in order of preference."""
        return {name: tuple(made) for name, made in self.artefacts.items()}

    def size(self, assignment: Mapping[str, Precision]) -> int:
        """Bytes of the graphs of an assignment, those for streams included."""
        chosen = [self.artefacts[name][kind] for name, kind in assignment.items()]
        return sum(artefact.size + artefact.streaming_size for artefact in chosen)


def make_candidates(
    engine: str,
    form: Form,
    works: Sequence[PartWork],
    precisions: Sequence[Precision],
    own: Mapping[str, Sequence[Precision]],
    progress: Progress = silent,
) -> Candidates:
    """Build every part at every wanted precision that the engine has.

    ``own`` has the precisions of single parts, instead of ``precisions``. A part that the engine
    cannot express takes the artefacts of :data:`FALLBACK`, and ``fallbacks`` says why.

    Raises:
        ExportError: a part cannot be expressed and there is no fallback.
        CrashError: a converter died on a part.
        DependencyError: the engine's tools are not installed.
    """
    backend = load_backend(engine)
    artefacts: dict[str, dict[Precision, Artefact]] = {}
    runners: dict[str, dict[Precision, Runner]] = {}
    fallbacks: dict[str, str] = {}
    rejected: dict[str, tuple[str, ...]] = {}
    for work in works:
        wanted = own.get(work.name, precisions)
        try:
            maker: Backend = backend
            made = _build(maker, work, wanted, progress)
        except ExportError as error:
            # A converter that died has not said that the part cannot be expressed.
            if engine == FALLBACK or isinstance(error, CrashError):
                raise
            fallbacks[work.name] = str(error)
            maker = load_backend(FALLBACK)
            made = _build(maker, work, wanted)
        made, rejected[work.name] = _worth(work, made)
        artefacts[work.name] = made
        runners[work.name] = {p: maker.runner(artefact) for p, artefact in made.items()}
    return Candidates(engine, form, artefacts, runners, fallbacks, rejected)


def _build(
    backend: Backend,
    work: PartWork,
    precisions: Sequence[Precision],
    progress: Progress = silent,
) -> dict[Precision, Artefact]:
    wanted = [precision for precision in precisions if precision in backend.precisions]
    if not wanted:
        raise ExportError(
            f"{backend.engine} makes {', '.join(backend.precisions)}; "
            f"wanted: {', '.join(precisions)}."
        )
    made = {}
    for done, precision in enumerate(wanted):
        # ONNX graphs take a moment; compilers for other engines take up to a minute a part.
        if backend.engine != FALLBACK:
            progress(f"build {work.name} for {backend.engine}", done, len(wanted))
        with converting(engine=backend.engine, part=work.name, precision=precision):
            made[precision] = backend.build(work, precision)
        give_back()
    return made


def _worth(
    work: PartWork, made: dict[Precision, Artefact]
) -> tuple[dict[Precision, Artefact], tuple[str, ...]]:
    """Without forms that have lost what they were made for: fewer bytes than in fp32."""
    fp32 = made.get("fp32")
    if fp32 is None:
        return made, ()
    large = [p for p, a in made.items() if p in ("int8-mixed", "int8-dynamic")
             and a.size >= fp32.size]  # fmt: skip
    why = tuple(
        f"{precision} rejected for part {work.name}: {made[precision].size} bytes, and fp32 has "
        f"{fp32.size}"
        for precision in large
    )
    return {p: a for p, a in made.items() if p not in large}, why
