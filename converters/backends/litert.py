"""LiteRT: TFLite graphs from the torch modules, fp32 and quantised on the same samples."""

from __future__ import annotations

from functools import partial

from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision

from ..export.tflite import export_tflite
from ..export.tflite_flatbuffer import tflite_float_share
from ..export.tflite_quantise import quantise_tflite
from ..export.tflite_reference import TfliteReference
from .protocol import Artefact, PartWork


class LiteRtBackend:
    """The backend ``litert``."""

    engine = "litert"
    precisions: tuple[Precision, ...] = ("int8", "int8-dynamic", "fp16", "fp32")

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The part's TFLite graph; its fp32 form is kept for the other precisions."""
        if part.spec is None or part.spec.module is None:
            raise ExportError(
                f"The part {part.name} came as an ONNX graph, and TFLite is made from torch: give "
                "the module or the exported program instead."
            )
        sizes = dict(part.lengths)
        key = f"tflite {part.key} {sorted(sizes.items())}"
        fp32 = part.store.get(key, partial(export_tflite, part.spec, sizes=sizes))
        if precision == "fp32":
            return self._artefact(fp32, "fp32")
        content = part.store.get(
            f"{key} {precision} {part.feeds_key}",
            lambda: quantise_tflite(fp32, precision, part.feeds(), part=part.name),
        )
        return self._artefact(content, precision, fp32)

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> TfliteReference:
        """Run it in the interpreter, with the reference kernels or the fast ones."""
        return TfliteReference(artefact.content, optimise=optimise)

    def _artefact(self, content: bytes, precision: Precision, fp32: bytes = b"") -> Artefact:
        return Artefact(
            engine=self.engine,
            precision=precision,
            suffix="tflite",
            content=content,
            stayed_float=tflite_float_share(fp32, content) if fp32 else None,
        )
