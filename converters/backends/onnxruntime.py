"""ONNX Runtime: the fp32 graph as it is, static int8 in QDQ form, mixed and dynamic int8."""

from __future__ import annotations

import msgspec
import onnx

from edge_sdk.bundle.manifest import FloatShare
from edge_sdk.targets import Precision

from ..export.onnx import export_onnx
from ..export.shorten import shorten
from ..export.streaming import NotStreamable, with_states
from ..parts import streams
from ..reference import Reference
from ..streaming import check_own_step, check_stream
from .onnxruntime_int8 import quantised
from .protocol import Artefact, PartWork, StreamForm


class OnnxRuntimeBackend:
    """The backend ``onnxruntime``."""

    engine = "onnxruntime"
    precisions: tuple[Precision, ...] = ("int8", "int8-dynamic", "int8-mixed", "fp32")
    measures = True

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The part's ONNX graph."""
        if precision == "fp32":
            return self._artefact(part, part.graph, "fp32")
        made = quantised(part, precision)
        plain = self._artefact(part, made.graph, precision, made.stayed_float)
        return msgspec.structs.replace(
            plain, kept=made.kept, coverage=made.coverage, notes=made.notes
        )

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> Reference:
        """Run it in ONNX Runtime."""
        return Reference(artefact.content, optimise=optimise)

    def _artefact(
        self,
        part: PartWork,
        graph: onnx.ModelProto,
        precision: Precision,
        share: FloatShare | None = None,
    ) -> Artefact:
        plain = Artefact(
            engine=self.engine,
            precision=precision,
            suffix="onnx",
            content=shorten(graph).SerializeToString(),
            stayed_float=share,
        )
        return self._streaming(part, graph, plain)

    def _streaming(self, part: PartWork, graph: onnx.ModelProto, plain: Artefact) -> Artefact:
        """The same graph able to carry its past, or why it cannot."""
        if part.spec is None or not streams(part.spec):
            return plain
        check_own_step(part.spec, part.few())
        try:
            made = with_states(graph, part.spec.example[0].numpy())
            artefact = msgspec.structs.replace(
                plain,
                content=shorten(made.graph).SerializeToString(),
                streaming=StreamForm(frames=made.frames, multiples=True, states=made.states),
            )
            check_stream(self, artefact, part.few())
        except NotStreamable as error:
            return self._own_step(part, plain, str(error))
        return artefact

    def _own_step(self, part: PartWork, plain: Artefact, why: str) -> Artefact:
        """With the step that the user's model brings, as a graph of its own in fp32."""
        assert part.spec is not None
        step, spec = part.spec.step, part.spec.stepped()
        if step is None or spec is None or not step.own:
            return msgspec.structs.replace(plain, streaming=why)
        form = StreamForm(
            frames=step.frames,
            multiples=False,
            states=step.named,
            content=shorten(export_onnx(spec)).SerializeToString(),
        )
        artefact = msgspec.structs.replace(plain, streaming=form)
        try:
            check_stream(self, artefact, part.few())
        except NotStreamable as error:
            return msgspec.structs.replace(plain, streaming=str(error))
        return artefact
