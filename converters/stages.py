"""The stages between a source and what is written; what targets share is done once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from edge_sdk.bundle.golden import encode_arrays
from edge_sdk.bundle.manifest import Tolerances
from edge_sdk.frontends import Frontends
from edge_sdk.targets import Precision, TargetProfile

from .assemble import Conversion, file_names, streaming_files
from .backends import load_backend
from .cache import StageCache
from .candidates import Form, Make
from .data import Split
from .edition import Edition
from .engine_order import by_time
from .evidence import gather
from .feeds import wiring_of
from .golden import expected_values, golden_inputs, pick
from .ladder import check_ladder
from .memory import give_back
from .observations import Observations
from .pools import Pools, Workshop
from .progress import Progress
from .pruning import PruningPlan
from .recipe import Chosen, Pruning, Recipe
from .reference import Reference
from .report import PartEvidence
from .search import Limits
from .selection import Plan, Selected, decided, select
from .selfcheck import check_on_host
from .slimming import slim_source
from .source import Source
from .streaming import stepper_of, stream_values
from .tuning import tune_source
from .works import Works, export_parts, tools


class Stages:
    """Exports on construction; :meth:`run` does the rest for one target after the other."""

    def __init__(
        self,
        source: Source,
        split: Split,
        store: StageCache,
        progress: Progress,
        *,
        streaming: bool = False,
    ) -> None:
        self._source, self._split = source, split
        self._store, self._progress = store, progress
        graphs = export_parts(source, store, progress)
        base = {name: Reference(graph) for name, graph in graphs.items()}
        self._frontends = Frontends(source.frontends)
        self._wiring = wiring_of(self._frontends.modalities, graphs, source.parts)
        self._streaming = streaming
        works = Works(
            source, graphs, base, self._wiring, split.calibration, store, progress,
            streaming=streaming,
        )  # fmt: skip
        self._forms = {"": Form(Make(), source, graphs, base, works)}
        seen = Observations(
            split.evaluation, source.frontends, self._wiring, store, progress, str(tools())
        )
        self._shop = Workshop(
            form=self._form, seen=seen, wiring=self._wiring, heads=source.heads, store=store,
            progress=progress,
        )  # fmt: skip
        picked = pick(list(split.evaluation), self._wiring)
        self._golden = golden_inputs(split.evaluation, picked, self._frontends)

    def run(
        self,
        profile: TargetProfile,
        precisions: Sequence[Precision],
        recipe: Recipe,
        *,
        ordered: bool = True,
    ) -> tuple[Conversion, dict[str, bytes]]:
        """All stages but writing: what was found, and the bundle's files.

        ``recipe`` has its budgets filled in. ``ordered`` says that the order of the engines is the
        user's; else measured times decide it, where they are the target's.
        """
        ladder = check_ladder(recipe.variants, self._wiring)
        assert recipe.budgets is not None
        budgets = recipe.budgets
        measure = not recipe.chosen and (recipe.measure or budgets.max_latency is not None)
        pools = Pools(self._shop, profile, precisions, recipe, measure=measure)
        limits = Limits(
            max_drop=budgets.max_drop,
            max_bytes=budgets.max_bytes,
            max_milliseconds=budgets.max_milliseconds,
        )
        notes: list[str] = []
        selected: list[Selected] = []
        for engine in profile.engines:
            plan = _plan(engine, pools, limits, recipe, ladder, profile)
            made = pools.getter(engine)
            if recipe.chosen:
                selected.append(decided(engine, made, plan, recipe.chosen.get(engine, {})))
            else:
                selected.append(select(engine, made, plan))
            if measure and not pools.measures(engine):
                notes.append(
                    f"The candidates for {engine} were not measured: its times need the device."
                )
        if measure and pools.caveat is not None:
            notes.append(
                f"Times were measured on {pools.machine.cpu}, standing for {profile.name}: "
                f"{pools.caveat}. They are compared with --max-latency and choose nothing else."
            )
        if not ordered and measure and pools.caveat is None:
            selected, told = by_time(selected)
            notes += told
            profile = msgspec.structs.replace(
                profile, engines=tuple(found.editions[0].engine for found in selected)
            )
            recipe = msgspec.structs.replace(recipe, engines=profile.engines)
        tried = {id(t.pool): t.pool for found in selected for t in found.trials}
        notes += dict.fromkeys(
            note for pool in tried.values() for note in pool.candidates.form.notes
        )
        # As the manifest orders them: by engine, then by rung.
        editions = [edition for found in selected for edition in found.editions]
        found = Conversion(
            source=self._source,
            profile=profile,
            graphs=self._forms[""].graphs,
            editions=editions,
            files=file_names(editions),
            golden=self._golden,
            split=self._split,
            limits=limits,
            ladder=ladder,
            tolerances=Tolerances(),
            trials=[trial for found in selected for trial in found.trials],
            machine=pools.machine.cpu if measure else None,
            caveat=pools.caveat if measure else None,
            recipe=msgspec.structs.replace(recipe, chosen=_chosen(selected)),
            warnings=self._split.warnings(),
            notes=notes,
        )
        return found, self._contents(found)

    def evidence(self, found: Conversion) -> tuple[PartEvidence, ...]:
        """Of the parts of the preferred edition, for a report."""
        form = found.editions[0].candidates.form
        plan = found.recipe.quantisation
        works = [form.works.make(spec, found.profile, plan) for spec in form.source.parts]
        return gather(works, self._progress)

    def _contents(self, found: Conversion) -> dict[str, bytes]:
        """The graphs, and the golden values that they are to give; adds warnings to ``found``."""
        contents: dict[str, bytes] = {}
        give_back()
        for sample in self._golden:
            contents |= sample.files
        for done, edition in enumerate(found.editions):
            self._progress("golden", done, len(found.editions))
            expected = {}
            audio, stepper = edition.artefacts.get("audio"), None
            if audio is not None:
                stepper = stepper_of(load_backend(audio.engine), audio)
            for sample in self._golden:
                features = sample.features_for(edition.modalities)
                if features:
                    values = expected_values(self._wiring, edition.runners, features)
                    values |= stream_values(stepper, features)
                    contents[sample.expected_file(edition.name)] = encode_arrays(values)
                    expected[sample.id] = values
            for name, artefact in edition.artefacts.items():
                file = found.files[edition.name][name]
                contents[file] = artefact.content
                contents |= streaming_files(artefact, file)
            found.warnings.extend(
                check_on_host(
                    edition,
                    self._wiring,
                    self._golden,
                    expected,
                    found.tolerances,
                    self._source.heads,
                    found.profile,
                )
            )
        self._progress("golden", len(found.editions), len(found.editions))
        give_back()
        return contents

    def _form(self, make: Make, recipe: Recipe, profile: TargetProfile) -> Form:
        """The model as it came, or pruned, recovered and fine-tuned; each is made once."""
        if make == Make():
            return self._forms[""]
        pruning = (recipe.pruning or Pruning()).of(make.pruned) if make.pruned else None
        key = msgspec.json.encode(pruning).decode()
        if make.tuned:
            key += f" {profile.int8} {msgspec.json.encode(recipe.quantisation).decode()}"
        if key not in self._forms:
            self._forms[key] = self._made(make, pruning, recipe, profile)
        return self._forms[key]

    def _made(
        self, make: Make, pruning: PruningPlan | None, recipe: Recipe, profile: TargetProfile
    ) -> Form:
        store, progress, split = self._store, self._progress, self._split
        if make.tuned:
            before = self._form(Make(make.pruned), recipe, profile).source
            plan = recipe.quantisation
            source, notes = tune_source(before, plan, profile, split, store, progress)
        else:
            assert pruning is not None
            source, notes = slim_source(self._source, pruning, split, store, progress), ()
        trained = make.tuned or (pruning is not None and pruning.recovery.trains)
        data = split.calibration
        graphs = export_parts(source, store, progress)
        base = {name: Reference(graph) for name, graph in graphs.items()}
        works = Works(
            source, graphs, base, self._wiring, data, store, progress, streaming=self._streaming
        )
        return Form(make, source, graphs, base, works, trained, notes)


def _plan(
    engine: str, pools: Pools, limits: Limits, recipe: Recipe, ladder: tuple[str, ...],
    profile: TargetProfile,
) -> Plan:  # fmt: skip
    timed = pools.measures(engine)
    stands = timed and pools.caveat is None
    wider, pruning = recipe.small_drop, recipe.pruning or Pruning()
    return Plan(
        limits=limits if timed else msgspec.structs.replace(limits, max_milliseconds=None),
        where=f"for {profile.name}",
        aim="latency" if stands else "size" if pruning.ratios else "preference",
        stands=stands,
        ladder=ladder,
        small_drop=max(3.0, 3 * limits.max_drop) if wider is None else wider,
        pruned=tuple(Make(ratio) for ratio in pruning.ratios),
        spare=tuple(Make(ratio) for ratio in pruning.spare),
        tune=recipe.quantisation.finetune is not None,
    )


def _chosen(selected: Sequence[Selected]) -> dict[str, dict[str, Chosen]]:
    """What a recipe says of the editions; a rung of some modalities follows from ``full``."""
    chosen: dict[str, dict[str, Chosen]] = {}
    for edition in (edition for found in selected for edition in found.editions):
        if not edition.modalities:
            chosen.setdefault(edition.engine, {})[edition.rung] = _choice(edition)
    return chosen


def _choice(edition: Edition) -> Chosen:
    make = edition.candidates.form.make
    return Chosen(parts=edition.chosen, why=edition.why, pruned=make.pruned, tuned=make.tuned)
