"""The int8 forms of a part for ONNX Runtime: what its plan says, at one of three precisions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice

import msgspec
import onnx

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision

from ..calibration.coverage import Coverage
from ..calibration.ranges import Calibration, calibrate
from ..calibration.registry import load_calibrator
from ..quantisation.dynamic import quantise_dynamic
from ..quantisation.equalise import Equalised, equalise
from ..quantisation.improve import Improved, Judge, try_corrected, try_equalised, without_pairs
from ..quantisation.mixed import Kept, keep_by_accuracy, keep_by_noise
from ..quantisation.noise import PartNoise, part_noise
from ..quantisation.share import float_share
from ..quantisation.static import quantise
from .protocol import PartWork

# Inputs that tell layers apart; they lie next to each other in the set, as no order is meant.
_INPUTS = 12


class Quantised(msgspec.Struct, frozen=True):
    """A part's int8 graph, what stayed float, which layers were kept and why, its calibration.

    ``notes`` are sentences on what of the plan was tried and kept.
    """

    graph: onnx.ModelProto
    stayed_float: FloatShare
    kept: dict[str, str]
    coverage: Coverage | None
    notes: tuple[str, ...] = ()


def quantised(part: PartWork, precision: Precision) -> Quantised:
    """``part`` at ``precision``: ``int8`` (by the plan's scheme), ``int8-dynamic``, ``int8-mixed``.

    Raises:
        ExportError: ONNX Runtime has no kernels for the precision.
        UsageError: the plan keeps a layer that there is not.
    """
    if precision not in ("int8", "int8-dynamic", "int8-mixed"):
        raise ExportError(f"ONNX Runtime has no {precision} kernels on a CPU.")
    plan = part.plan
    kept = dict.fromkeys(plan.keep, "kept by the recipe")
    if precision == "int8-dynamic" or (precision == "int8" and plan.scheme == "dynamic"):
        graph = quantise_dynamic(part.graph, part.scheme, keep=plan.keep)
        return Quantised(graph, float_share(part.graph, graph, part.calibration()), kept, None)
    notes: list[str] = []
    if precision == "int8-mixed":
        choice = _mixed(part)
        kept |= {found.layer: found.sentence for found in choice.kept}
        notes += choice.notes
    made = _static(part, tuple(kept))
    if precision == "int8-mixed" and part.judge is not None:
        part.judge.settle(part.name, made.int8.SerializeToString())
    share = float_share(part.graph, made.int8, part.calibration())
    return Quantised(made.int8, share, kept, made.seen.coverage, (*notes, *made.notes))


def _static(part: PartWork, keep: tuple[str, ...]) -> Improved:
    """The static form with ``keep`` in floating point, and what of the plan makes it better."""
    plan = part.plan

    def form(graph: onnx.ModelProto, seen: Calibration) -> onnx.ModelProto:
        return quantise(
            graph, seen, part.scheme, recurrent_weights=plan.recurrent_weights, keep=keep
        )

    seen = part.calibration()
    plain = Improved(part.graph, seen, form(part.graph, seen))
    equalised = equalise(part.graph) if plan.equalise else None
    if not (plan.correct_bias or (equalised is not None and equalised.pairs)):
        return plain if equalised is None else without_pairs(plain, equalised)

    points, judged = None, ""
    if part.judge is not None and part.judge.labelled:
        points, judged = partial(_points, part), part.judge.key

    def improve() -> bytes:
        judge, made = Judge(part.graph, part.feeds(), points), plain
        if equalised is not None:
            made = try_equalised(made, equalised, lambda: _ranges(part, equalised), form, judge)
        if plan.correct_bias:
            made = try_corrected(made, judge)
        held = _Held(made.int8.SerializeToString(), made.seen, made.notes)
        content: bytes = msgspec.msgpack.encode(held)
        return content

    content = part.store.get(f"improved {_key(part)} {keep} {judged}", improve)
    held = msgspec.msgpack.decode(content, type=_Held)
    int8 = onnx.load_from_string(held.int8)
    return Improved(part.graph, held.seen, int8, held.notes)


class _Held(msgspec.Struct, frozen=True):
    """An :class:`Improved` in the cache."""

    int8: bytes
    seen: Calibration
    notes: tuple[str, ...]


def _ranges(part: PartWork, equalised: Equalised) -> Calibration:
    observer = load_calibrator(part.plan.calibrator, part.plan.parameters)
    return calibrate(equalised.graph, part.feeds(), observer=observer)


def _key(part: PartWork) -> str:
    plan = msgspec.json.encode(part.plan).decode()
    return f"{part.key} {part.feeds_key} {part.scheme} {plan}"


class _Choice(msgspec.Struct, frozen=True):
    """The layers that a mixed form keeps, and sentences on how that was found."""

    kept: tuple[Kept, ...]
    notes: tuple[str, ...] = ()


def _mixed(part: PartWork) -> _Choice:
    """Noise proposes the layers; where samples can judge, the accuracy decides how many."""
    content = part.store.get(f"mixed noise {_key(part)}", partial(_noise, part))
    noise = msgspec.json.decode(content, type=PartNoise)
    if part.judge is None:
        return _Choice(keep_by_noise(noise))
    found = keep_by_accuracy(noise, partial(_drop, part), part.judge.limit)
    if found is None:
        kept = keep_by_noise(noise)
        why = f"Half of the layers of {part.name} kept in floating point do not keep the budget."
        return _Choice(kept, (why,))
    worst = f"{part.judge.limit:g} points"
    count = len(found)
    note = f"{count or 'No'} layer{'s' * (count != 1)} of {part.name} kept for a budget of {worst}."
    return _Choice(found, (note,))


def _noise(part: PartWork) -> bytes:
    feeds = list(islice(part.feeds(), _INPUTS))
    noise = part_noise(part.graph, part.calibration(), part.scheme, part.plan, feeds)
    content: bytes = msgspec.json.encode(noise)
    return content


def _drop(part: PartWork, keep: Sequence[str]) -> float:
    return _points(part, _static(part, (*part.plan.keep, *keep)).int8)


def _points(part: PartWork, form: onnx.ModelProto) -> float:
    assert part.judge is not None
    return part.judge.drop(part.name, form.SerializeToString())
