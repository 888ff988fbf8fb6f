"""LiteRT: TFLite graphs from the torch modules, fp32 and quantised on the same samples."""

from __future__ import annotations

from functools import partial

import msgspec

from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision

from ..cache import StageCache
from ..export.tflite import export_tflite
from ..export.tflite_flatbuffer import tflite_float_share
from ..export.tflite_quantise import quantise_tflite
from ..export.tflite_recipes import TflitePrecision
from ..export.tflite_reference import TfliteReference
from ..parts import PartSpec, StepSpec, streams
from ..streaming import check_own_step, check_stream, step_feeds
from .protocol import Artefact, PartWork, StreamForm, unused_notes


class LiteRtBackend:
    """The backend ``litert``."""

    engine = "litert"
    precisions: tuple[Precision, ...] = ("int8", "int8-dynamic", "fp16", "fp32")
    measures = True

    def build(self, part: PartWork, precision: Precision) -> Artefact:
        """The part's TFLite graph; its fp32 form is kept for the other precisions."""
        if precision == "int8-mixed":
            raise ExportError("LiteRT has no int8-mixed here; it has int8-dynamic between.")
        if part.spec is None or part.spec.module is None:
            raise ExportError(
                f"The part {part.name} came as an ONNX graph, and TFLite is made from torch: give "
                "the module or the exported program instead."
            )
        sizes = dict(part.lengths)
        key = f"tflite {part.key} {sorted(sizes.items())}"
        fp32 = part.store.get(key, partial(export_tflite, part.spec, sizes=sizes))
        if precision == "fp32":
            return self._with_stream(part, self._artefact(fp32, "fp32"))
        wanted: TflitePrecision = precision
        content = part.store.get(
            f"{key} {precision} {part.feeds_key}",
            lambda: quantise_tflite(fp32, wanted, part.feeds(), part=part.name),
        )
        plain = self._artefact(content, precision, fp32)
        plain = msgspec.structs.replace(plain, notes=unused_notes(self.engine, part.plan))
        return self._with_stream(part, plain)

    def runner(self, artefact: Artefact, *, optimise: bool = False) -> TfliteReference:
        """Run it in the interpreter, with the reference kernels or the fast ones."""
        return TfliteReference(artefact.content, optimise=optimise)

    def _with_stream(self, part: PartWork, plain: Artefact) -> Artefact:
        """Beside it the graph of a step, or why there is none."""
        if part.spec is None or not streams(part.spec):
            return plain
        step, spec = part.spec.step, part.spec.stepped()
        if not part.streaming:
            why = "A step is a graph of its own with weights of its own; ask with --streaming."
            return msgspec.structs.replace(plain, streaming=why)
        if step is None or spec is None:
            why = "The model has no module for one step (parts.streaming in its spec)."
            return msgspec.structs.replace(plain, streaming=why)
        check_own_step(part.spec, part.few())
        try:
            form = self._step(part, step, spec, plain.precision)
            artefact = msgspec.structs.replace(plain, streaming=form)
            check_stream(self, artefact, part.few())
        except ExportError as error:
            return msgspec.structs.replace(plain, streaming=str(error))
        return artefact

    def _step(
        self, part: PartWork, step: StepSpec, spec: PartSpec, precision: Precision
    ) -> StreamForm:
        # Code of the user's is in no key.
        store = StageCache(None) if step.own else part.store
        key = f"tflite step {part.key} {step.frames}"
        content = fp32 = store.get(key, partial(export_tflite, spec, sizes={}))
        form = StreamForm(frames=step.frames, multiples=False, states=step.named, content=fp32)
        if precision != "fp32" and precision != "int8-mixed":
            wanted: TflitePrecision = precision
            reference = TfliteReference(fp32, optimise=True)
            content = store.get(
                f"{key} {precision} {part.feeds_key}",
                lambda: quantise_tflite(
                    fp32, wanted, step_feeds(reference.run, form, part.feeds()), part=part.name
                ),
            )
        return msgspec.structs.replace(form, content=content)

    def _artefact(self, content: bytes, precision: Precision, fp32: bytes = b"") -> Artefact:
        return Artefact(
            engine=self.engine,
            precision=precision,
            suffix="tflite",
            content=content,
            stayed_float=tflite_float_share(fp32, content) if fp32 else None,
        )
