"""The int8 forms of a part for ONNX Runtime: what its plan says, at one of three precisions."""

from __future__ import annotations

from functools import partial
from itertools import islice

import msgspec
import onnx

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision

from ..calibration.coverage import Coverage
from ..calibration.ranges import Calibration
from ..quantisation.dynamic import quantise_dynamic
from ..quantisation.mixed import Kept, keep_by_noise
from ..quantisation.noise import part_noise
from ..quantisation.share import float_share
from ..quantisation.static import quantise
from .protocol import PartWork

# Inputs that tell layers apart; they lie next to each other in the set, as no order is meant.
_INPUTS = 12


class Quantised(msgspec.Struct, frozen=True):
    """A part's int8 graph, what stayed float, which layers were kept and why, its calibration."""

    graph: onnx.ModelProto
    stayed_float: FloatShare
    kept: dict[str, str]
    coverage: Coverage | None


def quantised(part: PartWork, precision: Precision) -> Quantised:
    """``part`` at ``precision``: ``int8`` (by the plan's scheme), ``int8-dynamic``, ``int8-mixed``.

    Raises:
        ExportError: ONNX Runtime has no kernels for the precision.
        UsageError: the plan keeps a layer that there is not.
    """
    if precision not in ("int8", "int8-dynamic", "int8-mixed"):
        raise ExportError(f"ONNX Runtime has no {precision} kernels on a CPU.")
    plan, seen = part.plan, part.calibration()
    kept = dict.fromkeys(plan.keep, "kept by the recipe")
    if precision == "int8-dynamic" or (precision == "int8" and plan.scheme == "dynamic"):
        graph = quantise_dynamic(part.graph, part.scheme, keep=plan.keep)
        return Quantised(graph, float_share(part.graph, graph, seen), kept, None)
    if precision == "int8-mixed":
        kept |= {found.layer: found.sentence for found in _guilty(part, seen)}
    graph = quantise(
        part.graph,
        seen,
        part.scheme,
        recurrent_weights=plan.recurrent_weights,
        keep=tuple(kept),
    )
    return Quantised(graph, float_share(part.graph, graph, seen), kept, seen.coverage)


def _guilty(part: PartWork, seen: Calibration) -> tuple[Kept, ...]:
    plan = msgspec.json.encode(part.plan).decode()
    key = f"mixed {part.key} {part.feeds_key} {part.scheme} {plan}"
    content = part.store.get(key, partial(_search, part, seen))
    return msgspec.json.decode(content, type=tuple[Kept, ...])


def _search(part: PartWork, seen: Calibration) -> bytes:
    feeds = list(islice(part.feeds(), _INPUTS))
    noise = part_noise(part.graph, seen, part.scheme, part.plan, feeds)
    content: bytes = msgspec.json.encode(keep_by_noise(noise))
    return content
