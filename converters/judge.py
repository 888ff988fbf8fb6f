"""What a form of one part costs in accuracy, asked while candidates are still being made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_sdk.bundle.manifest import Head
from edge_sdk.digest import sha256_hex

from .candidates import Form
from .feeds import Wiring
from .gate import BASE, OWN, Gate
from .observations import Encoder, Observations
from .reference import Reference

# What the gate calls the form that is asked about: it asks for no precision.
_TRIAL: Any = "trial"


class PartJudge:
    """Holds forms of a part against the model in fp32, on the evaluation samples.

    Parts are settled one after the other: each is judged with those before it as they will ship,
    so that together they keep ``limit``.

    Args:
        limit: points of macro-F1 that a head may lose.
        plain: the model as it came, in fp32.
        form: what the forms are of: ``plain``, or the pruned or fine-tuned model.
        seen: the evaluation samples.
        wiring: how the parts hang together.
        heads: what the model answers.
    """

    def __init__(
        self, limit: float, plain: Form, form: Form, seen: Observations, wiring: Wiring,
        heads: Sequence[Head],
    ) -> None:  # fmt: skip
        self.limit = limit
        self._plain, self._form, self._seen = plain, form, seen
        self._wiring, self._heads = wiring, heads
        self._settled: dict[str, bytes] = {}
        names = {head.name for head in heads}
        #: Whether samples say what is right: else points are shares of other answers.
        self.labelled = any(names & set(sample.labels) for sample in seen.samples)

    @property
    def key(self) -> str:
        """Text that names what it judges by, for the cache."""
        forms = [f"{name} {sha256_hex(content)}" for name, content in self._settled.items()]
        return f"{self._seen.key} {self._form.source.digest} {forms}"

    def settle(self, part: str, content: bytes) -> None:
        """This form of ``part`` will ship: what follows is judged with it."""
        self._settled[part] = content

    def drop(self, part: str, content: bytes) -> float:
        """Points that the worst head loses with this ONNX form of ``part``."""
        contents = {**self._settled, part: content}
        runners = {name: Reference(graph) for name, graph in contents.items()}
        own = self._form.base if self._form.changed else None
        gate = Gate(
            self._plain.base,
            {name: {_TRIAL: runner} for name, runner in runners.items()},
            self._wiring,
            self._heads,
            own,
        )
        wanted = {name: self._encoders(name, contents, runners) for name in self._wiring.encoders}
        gate.recall(self._seen.samples, self._seen.find(wanted, f"judge {part}"))
        return max(gate.drops(dict.fromkeys(contents, _TRIAL)).values())

    def _encoders(
        self, name: str, contents: Mapping[str, bytes], runners: Mapping[str, Reference]
    ) -> dict[str, Encoder]:
        kinds = {BASE: Encoder(name, self._plain.content(name), self._plain.base[name])}
        if self._form.changed:
            kinds[OWN] = Encoder(name, self._form.content(name), self._form.base[name])
        if name in contents:
            kinds[_TRIAL] = Encoder(name, contents[name], runners[name])
        return kinds
