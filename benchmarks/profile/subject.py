"""What is called and timed: whole answers, one part with its front-end, or one part alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import msgspec

from edge_sdk.errors import UsageError
from edge_sdk.runtimes.session import FusionSession

from .inputs import Given
from .options import ProfileOptions

#: The stage of a whole answer, the one that its user waits for.
TOTAL = "total"
#: No stage: the processor time of a call, over all threads. Others on the machine do not lengthen
#: it, but for what they take of the caches.
CPU = "cpu"
#: What is left of the total beside the stages: inputs compared, answers made.
POST = "post"

#: One call on one sample's values: milliseconds by stage, with :data:`TOTAL`.
Subject = Callable[[dict[str, Any]], dict[str, float]]


def subject_of(session: FusionSession, part: str | None) -> Subject:
    """What to call.

    Raises:
        UsageError: the edition has no part of this name.
    """
    if part is None:
        return _Whole(session)
    names = [loaded.part.name for loaded in session.parts]
    if part not in names:
        raise UsageError(f"The bundle has no part {part!r}; it has {', '.join(names)}.")
    return _Head(session) if part == session.parts.head.part.name else _Encoder(session, part)


def prepared(
    session: FusionSession, options: ProfileOptions, given: Sequence[Given]
) -> tuple[Subject, list[Given]]:
    """What to call, and with what: back to back a part without its front-end, on what it takes.

    Raises:
        UsageError: the edition has no part of this name.
    """
    subject = subject_of(session, options.part)
    if not options.back_to_back:
        return subject, list(given)
    assert isinstance(subject, (_Encoder, _Head)), "the options name a part"
    inputs = [msgspec.structs.replace(one, values=subject.inputs(one.values)) for one in given]
    return subject.run, inputs


def needs(session: FusionSession, part: str | None) -> tuple[str, ...]:
    """The modalities that samples should have."""
    return (part,) if part in session.parts.encoders else session.modalities


class _Whole:
    def __init__(self, session: FusionSession) -> None:
        self._session = session

    def __call__(self, values: dict[str, Any]) -> dict[str, float]:
        # The same sample may come twice in a row: an encoder that is not run is not measured.
        self._session.forget()
        timings = dict(self._session.infer(**values).timings)
        total = timings.pop(TOTAL)
        return {**timings, POST: total - sum(timings.values()), TOTAL: total}


class _Encoder:
    def __init__(self, session: FusionSession, modality: str) -> None:
        self._session = session
        self._modality = modality

    def inputs(self, values: dict[str, Any]) -> dict[str, Any]:
        name = self._modality
        return {name: self._session.features(name, values[name])}

    def run(self, inputs: dict[str, Any]) -> dict[str, float]:
        started = perf_counter()
        self._session.parts.encode(self._modality, inputs[self._modality])
        spent = (perf_counter() - started) * 1e3
        return {f"encoder.{self._modality}": spent, TOTAL: spent}

    def __call__(self, values: dict[str, Any]) -> dict[str, float]:
        started = perf_counter()
        features = self._session.features(self._modality, values[self._modality])
        ready = perf_counter()
        self._session.parts.encode(self._modality, features)
        ended = perf_counter()
        return {
            f"frontend.{self._modality}": (ready - started) * 1e3,
            f"encoder.{self._modality}": (ended - ready) * 1e3,
            TOTAL: (ended - started) * 1e3,
        }


class _Head:
    def __init__(self, session: FusionSession) -> None:
        self._session = session

    def inputs(self, values: dict[str, Any]) -> dict[str, Any]:
        parts = self._session.parts
        return {
            name: parts.encode(name, self._session.features(name, value))
            for name, value in values.items()
        }

    def __call__(self, values: dict[str, Any]) -> dict[str, float]:
        return self.run(self.inputs(values))

    def run(self, inputs: dict[str, Any]) -> dict[str, float]:
        started = perf_counter()
        self._session.parts.fuse(inputs)
        spent = (perf_counter() - started) * 1e3
        return {"head": spent, TOTAL: spent}
