"""ONNX Runtime: the fp32 graph as it is, and static int8 in QDQ form."""

from __future__ import annotations

import onnx

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision

from ..quantisation.share import float_share
from ..quantisation.static import quantise
from ..reference import Reference
from .protocol import Artefact, PartWork


class OnnxRuntimeBackend:
    """The backend ``onnxruntime``."""

    engine = "onnxruntime"
    precisions: tuple[Precision, ...] = ("int8", "fp32")

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The part's ONNX graph."""
        if precision == "fp32":
            return self._artefact(part.graph, "fp32")
        if precision != "int8":
            raise ExportError(f"ONNX Runtime has no {precision} kernels on a CPU.")
        seen = part.calibration()
        graph = quantise(part.graph, seen, part.scheme)
        share = float_share(part.graph, graph, seen)
        return self._artefact(graph, "int8", share)

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> Reference:
        """Run it in ONNX Runtime."""
        return Reference(artefact.content, optimise=optimise)

    def _artefact(
        self, graph: onnx.ModelProto, precision: Precision, share: FloatShare | None = None
    ) -> Artefact:
        return Artefact(
            engine=self.engine,
            precision=precision,
            suffix="onnx",
            content=graph.SerializeToString(),
            stayed_float=share,
        )
