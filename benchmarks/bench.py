"""What figures share: the checkpoint, the sample sets, bundles made once, a scratch folder."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from types import TracebackType

import msgspec

from edge_sdk.bundle.manifest import Quality
from edge_sdk.errors import DataError
from edge_sdk.samples import Sample, SampleSet

from .process import Usage, edge_sdk, measure_success

MODALITIES = ("audio", "image", "text")
# A drop that no model reaches: what is to be measured may not be refused by the gate.
_ANY_DROP = "100"
# The edition that is measured: the one a bare engine run can be held against.
ENGINE = "onnxruntime"

# The editions that are held against each other.
ENGINES = ("onnxruntime", "litert")


class EditionSummary(msgspec.Struct, frozen=True):
    """The fields of an edition's report that figures use."""

    engine: str
    quality: Quality
    size: int


class ConversionSummary(msgspec.Struct, frozen=True):
    """The fields of the conversion report that figures use."""

    editions: tuple[EditionSummary, ...]
    fp32_size: int

    @property
    def measured(self) -> EditionSummary:
        """The edition that figures measure."""
        return next(edition for edition in self.editions if edition.engine == ENGINE)


class Conversion(msgspec.Struct, frozen=True):
    """A bundle, what ``edge-sdk convert --json`` said about it, and what that took."""

    path: Path
    report: ConversionSummary
    usage: Usage


class Bench:
    """One run of the benchmarks; a context manager that owns the scratch folder.

    Args:
        checkpoint: the checkpoint to convert.
        data: a folder with the sample sets ``calibration`` and ``held-out``.
        rounds: repetitions of every figure, in place of each figure's own number.
    """

    def __init__(self, checkpoint: Path, data: Path, *, rounds: int | None = None) -> None:
        self.checkpoint = checkpoint
        self.data = data
        self._rounds = rounds
        self._bundles: dict[str, Conversion] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="edge-sdk-bench-")
        self.scratch = Path(self._folder.name)

    def __enter__(self) -> Bench:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._folder.cleanup()

    def rounds(self, usual: int) -> int:
        """How often to repeat what is ``usual``-ly repeated so often."""
        return self._rounds or usual

    @property
    def pruned(self) -> Path:
        """Where the pruned form of the checkpoint lies: ``pruned-checkpoint`` beside it."""
        return self.checkpoint.with_name("pruned-checkpoint")

    @cached_property
    def held_out(self) -> SampleSet:
        """The samples that neither training nor calibration saw."""
        return SampleSet.open(self.data / "held-out")

    def whole_samples(self, count: int) -> list[Sample]:
        """``count`` held-out samples with every modality, evenly over the set.

        Raises:
            DataError: there are fewer.
        """
        whole = [s for s in self.held_out if set(MODALITIES) <= set(s.modalities)]
        if len(whole) < count:
            raise DataError(
                f"The sample set at {self.held_out.root} has {len(whole)} samples with "
                f"{', '.join(MODALITIES)}; {count} are needed."
            )
        return [whole[i * len(whole) // count] for i in range(count)]

    def bundle(self, precision: str = "auto") -> Conversion:
        """The checkpoint converted for this machine, gated on the held-out samples; made once."""
        if precision not in self._bundles:
            self._bundles[precision] = self.convert(
                precision, cache=self.scratch / "cache", name=precision
            )
        return self._bundles[precision]

    def editions(self, precision: str) -> Conversion:
        """As :meth:`bundle`, with an edition for each of :data:`ENGINES`; made once."""
        name = f"{precision}-editions"
        if name not in self._bundles:
            self._bundles[name] = self.convert(
                precision, cache=self.scratch / "cache", name=name, engines=ENGINES
            )
        return self._bundles[name]

    def convert(
        self,
        precision: str,
        *,
        cache: Path,
        name: str,
        engines: tuple[str, ...] = (),
        checkpoint: Path | None = None,
    ) -> Conversion:
        """Convert the checkpoint, or another, by the command line, as a user does."""
        path = self.scratch / f"{name}.edge"
        command = edge_sdk(
            *("convert", str(checkpoint or self.checkpoint), "--json", "--precision", precision),
            *("--calibration", str(self.data / "calibration")),
            *("--evaluation", str(self.data / "held-out")),
            *(word for engine in engines for word in ("--engine", engine)),
            *("--max-drop", _ANY_DROP, "--cache", str(cache), "--output", str(path)),
        )
        usage = measure_success(command)
        report = msgspec.json.decode(usage.output, type=ConversionSummary)
        return Conversion(path, report, usage)
