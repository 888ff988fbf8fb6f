"""Artefacts run along streams on the build host: held against whole sequences, golden values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from edge_sdk.bundle.golden import STREAM, Arrays, compare
from edge_sdk.bundle.manifest import Streaming, Tolerance, Tolerances
from edge_sdk.bundle.streaming import Run, Stepper, embeddings_along, prefixes
from edge_sdk.errors import ExportError

from .backends.protocol import Artefact, Backend, Feed, StreamForm
from .export.streaming import NotStreamable
from .parts import PartSpec

# The largest error of a float graph against the whole sequence, in units of the largest value
# (at least 1).
PARITY = 1e-4


def stepper_of(backend: Backend, artefact: Artefact, *, optimise: bool = False) -> Stepper | None:
    """The artefact along a stream; None where it has no streaming form."""
    form = artefact.streaming
    if isinstance(form, str):
        return None
    if form.content:
        artefact = msgspec.structs.replace(artefact, content=form.content, streaming="")
    return Stepper(backend.runner(artefact, optimise=optimise).run, _entry(form))


def stream_values(stepper: Stepper | None, features: Arrays) -> Arrays:
    """The embeddings along a stream of a golden sample's features, by stage name."""
    if stepper is None or "audio" not in features:
        return {}
    rows = embeddings_along(stepper, features["audio"])
    return {f"{STREAM}.audio": rows} if len(rows) else {}


def step_feeds(run: Run, form: StreamForm, feeds: Iterable[Feed]) -> Iterator[Feed]:
    """What a graph of one step is given along streams of ``feeds``."""
    for feed in feeds:
        given: list[Feed] = []

        def spy(inputs: Arrays, given: list[Feed] = given) -> Mapping[str, NDArray[Any]]:
            given.append(inputs)
            return run(inputs)

        stepper = Stepper(spy, _entry(form))
        features = feed["features"]
        for at in range(0, features.shape[1] - form.frames + 1, form.frames):
            stepper.step(features[:, at : at + form.frames])
            yield given.pop()


def check_own_step(spec: PartSpec, feeds: Iterable[Feed]) -> None:
    """Hold a step of the user's against the encoder, both in torch, on real samples.

    Raises:
        ExportError: it gives something else than the encoder gives at once.
    """
    step, whole = spec.step, spec.module
    if step is None or not step.own or whole is None:
        return
    form = StreamForm(frames=step.frames, multiples=False, states=step.named)

    def run(inputs: Arrays) -> Mapping[str, NDArray[Any]]:
        tensors = [torch.from_numpy(np.ascontiguousarray(value)) for value in inputs.values()]
        names = ["embedding", *(state.output for state in step.named)]
        with torch.no_grad():
            return {n: t.numpy() for n, t in zip(names, step.module(*tensors), strict=True)}

    stepper = Stepper(run, _entry(form))
    for feed in feeds:
        features = feed["features"]
        rows = embeddings_along(stepper, features)
        for row, (_, upto) in zip(rows, prefixes(features.shape[1], step.frames), strict=True):
            with torch.no_grad():
                wanted = whole(torch.from_numpy(features[:, :upto])).numpy()[0]
            error = float(np.abs(row - wanted).max())
            if not error <= PARITY * max(1.0, float(np.abs(wanted).max())):
                raise ExportError(
                    f"The step that the spec names at parts.streaming differs from the encoder by "
                    f"{error:.2g} after {upto} frames (allowed: {PARITY:g}). A step must give what "
                    "the encoder gives of all frames so far."
                )


def check_stream(backend: Backend, artefact: Artefact, feeds: Iterable[Feed]) -> None:
    """Hold a stream against whole sequences at every prefix that golden values look at.

    Raises:
        NotStreamable: it gives something else.
    """
    stepper, whole = stepper_of(backend, artefact), backend.runner(artefact)
    if stepper is None:
        return
    tolerance = Tolerances().stage(artefact.precision)
    for feed in feeds:
        features = feed["features"]
        rows = embeddings_along(stepper, features)
        for row, (_, upto) in zip(rows, prefixes(features.shape[1], stepper.frames), strict=True):
            wanted = whole.run({"features": features[:, :upto]})["embedding"][0]
            if not _same(row, wanted, artefact.precision, tolerance):
                error = float(np.abs(row - wanted).max())
                raise NotStreamable(
                    f"Step by step the part gives other results than at once: after {upto} frames "
                    f"they differ by {error:.2g}."
                )


def _same(got: NDArray[Any], wanted: NDArray[Any], precision: str, tolerance: Tolerance) -> bool:
    if precision == "fp32":
        limit = PARITY * max(1.0, float(np.abs(wanted).max()))
        return got.shape == wanted.shape and bool(np.abs(got - wanted).max() <= limit)
    return compare(STREAM, got, wanted, tolerance).ok


def _entry(form: StreamForm) -> Streaming:
    return Streaming(file="", frames=form.frames, multiples=form.multiples, states=form.states)
