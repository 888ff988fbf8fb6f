"""TensorRT: the kit that a Jetson compiles its engines from, one graph a part and precision."""

from __future__ import annotations

from importlib.util import find_spec

from edge_sdk.errors import CrashError, ExportError
from edge_sdk.targets import Precision

from ..export.profiles import AxisRange
from ..export.tensorrt import Kit, KitPrecision, make_kit
from ..quantisation.share import float_share
from ..reference import Reference
from ..verify_tensorrt import CRASHED, verify_kit
from .protocol import Artefact, PartWork, unused_notes

# TensorRT's compiler for a build host without a GPU; where it is installed, every graph is tried.
_COMPILER = "tensorrt_rtx"


class TensorRtBackend:
    """The backend ``tensorrt``."""

    engine = "tensorrt"
    precisions: tuple[Precision, ...] = ("int8", "fp16")
    # The kit's graphs run in ONNX Runtime here.
    measures = False

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The part's graph inside TensorRT's operator set, with the shapes it is compiled for.

        Raises:
            ExportError: TensorRT would refuse the graph, or its compiler here does.
        """
        wanted: KitPrecision = "int8" if precision == "int8" else "fp16"
        ranges = {name: AxisRange(max=longest) for name, longest in part.longest.items()}
        seen = part.calibration()
        kit = make_kit(part.name, part.graph, seen, ranges, (wanted,))
        kernels = part.store.get(f"kernels {_key(part, wanted)}", lambda: _tried(kit)).decode()
        content = kit.graphs[0].graph.SerializeToString()
        share = float_share(part.graph, kit.graphs[0].graph, seen) if wanted == "int8" else None
        return Artefact(
            engine=self.engine,
            precision=precision,
            suffix="onnx",
            content=content,
            stayed_float=share,
            shapes=kit.profiles,
            kernels=kernels,
            notes=unused_notes(self.engine, part.plan) if wanted == "int8" else (),
        )

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> Reference:
        """Run its numerics in ONNX Runtime: TensorRT itself needs the board."""
        return Reference(artefact.content, optimise=optimise)


def _tried(kit: Kit) -> bytes:
    """What TensorRT's compiler makes of the kit's one graph, in a sentence; empty without one."""
    if find_spec(_COMPILER) is None:
        return b""
    (check,) = verify_kit(kit)
    if not check.ok:
        kind = CrashError if CRASHED in (check.error or "") else ExportError
        raise kind(check.sentence())
    return check.sentence().encode()


def _key(part: PartWork, precision: str) -> str:
    compiled = "compiled" if find_spec(_COMPILER) is not None else "not compiled"
    return f"tensorrt {part.key} {part.feeds_key} {precision} {compiled}"
