"""Pools of candidates: each engine's artefacts of each form, judged, and measured if asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from edge_sdk.bundle.manifest import Head
from edge_sdk.targets import Precision, TargetProfile, detect_local, stands_for

from .backends import load_backend
from .cache import StageCache
from .candidates import Candidates, Form, Make, make_candidates
from .feeds import Wiring
from .gate import BASE, OWN, Gate
from .judge import PartJudge
from .measure import FEEDS, Stopwatch, Timing
from .observations import Encoder, Observations
from .progress import Progress
from .recipe import Recipe
from .search import Pool


class Workshop(msgspec.Struct, frozen=True, kw_only=True):
    """What pools are made with, whatever the target.

    ``form`` gives the model as it came, or pruned and fine-tuned in the way of a recipe, for the
    int8 of a target.
    """

    form: Callable[[Make, Recipe, TargetProfile], Form]
    seen: Observations
    wiring: Wiring
    heads: Sequence[Head]
    store: StageCache
    progress: Progress


class Pools:
    """The pools of one target; each is made once, when it is first asked for."""

    def __init__(
        self, shop: Workshop, profile: TargetProfile, precisions: Sequence[Precision],
        recipe: Recipe, *, measure: bool,
    ) -> None:  # fmt: skip
        self._shop, self._profile = shop, profile
        self._precisions, self._recipe = tuple(precisions), recipe
        self._measure = measure
        self._made: dict[tuple[str, Make], Pool] = {}
        self._watch: Stopwatch | None = None
        self.machine = detect_local()
        #: Why times here may not be in the target's order; None if they are.
        self.caveat = stands_for(self.machine, profile)

    def measures(self, engine: str) -> bool:
        """Whether candidates of an engine are measured here."""
        return self._measure and load_backend(engine).measures

    def get(self, engine: str, makes: Sequence[Make]) -> list[Pool]:
        """The pools of an engine for the model as it came, pruned, or fine-tuned."""
        new = [make for make in makes if (engine, make) not in self._made]
        made = {make: self._candidates(engine, make) for make in new}
        if self.measures(engine):
            timings = self._times(list(made.values()))
        for number, (make, candidates) in enumerate(made.items()):
            times = timings[number] if self.measures(engine) else None
            self._made[engine, make] = Pool(candidates, self._gate(candidates), times)
        return [self._made[engine, make] for make in makes]

    def getter(self, engine: str) -> Callable[[Sequence[Make]], list[Pool]]:
        """:meth:`get` for one engine."""
        return lambda makes: self.get(engine, makes)

    def _candidates(self, engine: str, make: Make) -> Candidates:
        form, plan = self._form(make), self._recipe.quantisation
        judge = self._judge(form)
        works = [
            msgspec.structs.replace(form.works.make(spec, self._profile, plan), judge=judge)
            for spec in form.source.parts
        ]
        return make_candidates(
            engine, form, works, self._precisions, self._recipe.precisions, self._shop.progress
        )

    def _judge(self, form: Form) -> PartJudge:
        """Says what layers a mixed form has to keep, within the budget."""
        shop, budgets = self._shop, self._recipe.budgets or self._profile.budgets
        plain = self._form(Make())
        return PartJudge(budgets.max_drop, plain, form, shop.seen, shop.wiring, shop.heads)

    def _form(self, make: Make) -> Form:
        return self._shop.form(make, self._recipe, self._profile)

    def _gate(self, candidates: Candidates) -> Gate:
        """The gate of a pool, shown every evaluation sample."""
        shop, form = self._shop, candidates.form
        plain = self._form(Make())
        own = form.base if form.changed else None
        gate = Gate(plain.base, candidates.runners, shop.wiring, shop.heads, own)
        wanted: dict[str, dict[str, Encoder]] = {}
        for name in shop.wiring.encoders:
            kinds = {BASE: Encoder(name, plain.content(name), plain.base[name])}
            if own is not None:
                kinds[OWN] = Encoder(name, form.content(name), own[name])
            for kind, artefact in candidates.artefacts[name].items():
                kinds[kind] = Encoder(name, artefact.content, candidates.runners[name][kind])
            wanted[name] = kinds
        stage = " ".join(("evaluate", *self._label(candidates)))
        gate.recall(shop.seen.samples, shop.seen.find(wanted, stage))
        return gate

    def _label(self, candidates: Candidates) -> list[str]:
        words = [candidates.engine] if len(self._profile.engines) > 1 else []
        form = candidates.form
        return [*words, form.make.words] if form.changed else words

    def _times(self, candidates: Sequence[Candidates]) -> list[dict[str, dict[Precision, Timing]]]:
        """For each of ``candidates``, by part and precision; all in the same rounds."""
        plain = self._form(Make())
        if self._watch is None:
            feeds = {spec.name: plain.works.some_feeds(spec.name, FEEDS)
                     for spec in plain.source.parts}  # fmt: skip
            self._watch = Stopwatch(
                self.machine, feeds, plain.works.feeds_key, self._shop.store, self._shop.progress
            )
        times: list[dict[str, dict[Precision, Timing]]] = [{} for _ in candidates]
        for name in (spec.name for spec in plain.source.parts):
            artefacts = {
                f"{number} {kind}": artefact
                for number, made in enumerate(candidates)
                for kind, artefact in made.artefacts[name].items()
            }
            found = self._watch.measure(name, artefacts)
            for number, made in enumerate(candidates):
                times[number][name] = {k: found[f"{number} {k}"] for k in made.artefacts[name]}
        return times
