"""What makes an int8 form better: tried on real samples, and kept only where it helps.

Accuracy on the evaluation samples judges where they have labels; where it is equal, or there are
none, the noise on calibration samples does. The samples a bias is corrected with are never those it
is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import msgspec
import numpy as np
import onnx

from ..calibration.ranges import Calibration
from ..reference import Reference
from .bias import correct_bias
from .equalise import Equalised
from .noise import Feed, decibel, mean_noise, output_noise

#: An improvement counts from so many dB: less is luck of the samples.
LEAST_DB = 0.2
#: An equalised graph differs from the fp32 one by at most so much of the largest output.
PARITY = 1e-4
# Points closer than this are the same.
_SAME = 1e-6
# Inputs to correct with, and as many to judge by.
_INPUTS = 24

#: Points that the worst head loses with a form, on labelled samples.
Points = Callable[[onnx.ModelProto], float]
Quantise = Callable[[onnx.ModelProto, Calibration], onnx.ModelProto]


class Judge:
    """Real inputs of a part in two shares, and what its fp32 graph makes of one of them.

    Args:
        graph: the part in fp32.
        feeds: its inputs; the first 48 are taken, in turns for either share.
        points: what a form costs in accuracy, where samples with labels can tell.
    """

    def __init__(
        self, graph: onnx.ModelProto, feeds: Iterable[Feed], points: Points | None = None
    ) -> None:
        self._points = points
        taken = list(islice(feeds, 2 * _INPUTS))
        #: Inputs to fit with.
        self.fitting: Sequence[Feed] = taken[::2]
        self._held = taken[1::2] or taken
        reference = Reference(graph)
        self._wanted = [reference.run(feed) for feed in self._held]

    def apart(self, graph: onnx.ModelProto) -> float:
        """The largest difference of any output, relative to that output's largest value."""
        runner, most = Reference(graph), 0.0
        for feed, wanted in zip(self._held, self._wanted, strict=True):
            for name, value in runner.run(feed).items():
                largest = float(np.abs(wanted[name]).max(initial=1e-6))
                most = max(most, float(np.abs(value - wanted[name]).max(initial=0.0)) / largest)
        return most

    def helps(self, before: onnx.ModelProto, after: onnx.ModelProto) -> tuple[bool, str]:
        """Whether one int8 form is better than another, and the figures."""
        db = [decibel(self.noise(graph)) for graph in (before, after)]
        quieter = db[1] >= db[0] + LEAST_DB
        told = f"{db[0]:.1f} to {db[1]:.1f} dB on held-out samples"
        if self._points is None:
            return quieter, told
        lost = [self._points(graph) for graph in (before, after)]
        same = abs(lost[1] - lost[0]) < _SAME
        told = f"the worst head loses {lost[0]:.2f}, then {lost[1]:.2f} points; {told}"
        return (quieter if same else lost[1] < lost[0]), told

    def noise(self, graph: onnx.ModelProto) -> float:
        """Energy of the error of a form's outputs on the held-out share, relative to the signal."""
        return mean_noise(output_noise(self._wanted, Reference(graph), self._held))


class Improved(msgspec.Struct, frozen=True):
    """An int8 form, with the fp32 graph and ranges behind it, and sentences on what was tried."""

    graph: onnx.ModelProto
    seen: Calibration
    int8: onnx.ModelProto
    notes: tuple[str, ...] = ()


def try_equalised(
    plain: Improved, equalised: Equalised, seen: Callable[[], Calibration], quantise: Quantise,
    judge: Judge,
) -> Improved:  # fmt: skip
    """``plain`` made from the equalised graph, where that helps.

    ``seen`` gives the ranges of the equalised graph.
    """
    if not equalised.pairs:
        return without_pairs(plain, equalised)
    left = _left(equalised)
    apart = judge.apart(equalised.graph)
    if not apart <= PARITY:
        return _noted(plain, f"Equalisation was left out: it changed the answers by {apart:.1e}.")
    ranges = seen()
    int8 = quantise(equalised.graph, ranges)
    helps, told = judge.helps(plain.int8, int8)
    pairs = ", ".join(f"{first} and {second}" for first, second in equalised.pairs)
    told += left
    if not helps:
        return _noted(plain, f"Equalisation of {pairs} was left out: {told}.")
    return Improved(equalised.graph, ranges, int8, (*plain.notes, f"Equalised {pairs}: {told}."))


def without_pairs(plain: Improved, equalised: Equalised) -> Improved:
    """``plain`` with a sentence that no pair of layers can be equalised, and why."""
    return _noted(plain, f"Equalisation: no pair of layers allows it{_left(equalised)}.")


def try_corrected(plain: Improved, judge: Judge) -> Improved:
    """``plain`` with corrected biases, where that helps."""
    made, layers = correct_bias(plain.graph, plain.int8, judge.fitting)
    if not layers:
        return _noted(plain, "Bias correction: no layer has an int32 bias that is off.")
    helps, told = judge.helps(plain.int8, made)
    if not helps:
        return _noted(plain, f"Bias correction of {len(layers)} layers was left out: {told}.")
    notes = (*plain.notes, f"Corrected the biases of {len(layers)} layers: {told}.")
    return msgspec.structs.replace(plain, int8=made, notes=notes)


def _noted(plain: Improved, note: str) -> Improved:
    return msgspec.structs.replace(plain, notes=(*plain.notes, note))


def _left(equalised: Equalised) -> str:
    """Why pairs were left alone, by reason, with one of the pairs of each."""
    if not equalised.left:
        return ""
    reasons: dict[str, list[str]] = {}
    for (first, second), why in equalised.left.items():
        reasons.setdefault(why, []).append(f"{first} and {second}")
    told = "; ".join(f"{len(p)} because {why} ({p[0]}{', ...' if p[1:] else ''})"
                     for why, p in reasons.items())  # fmt: skip
    return f"; left alone: {told}"
