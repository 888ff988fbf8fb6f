"""A profile, from the first fresh process to the result."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np

from edge_sdk.bundle import Bundle
from edge_sdk.frontends import Frontends
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import choose_edition, edition_of
from edge_sdk.runtimes.probes import find_probes
from edge_sdk.runtimes.probes.vitals import VitalsReader
from edge_sdk.runtimes.session import FusionSession

from .capture import CaptureCost, measure_capture
from .fresh import drop_pages, in_fresh_process
from .inputs import read_inputs
from .layers import measure_layers
from .options import ProfileOptions
from .percentiles import Estimate, estimate_of, latency_of
from .provenance import bundle_info, device_info
from .result import (
    Disturbance,
    Energy,
    Layers,
    Memory,
    ProfileResult,
    Sensors,
    SoftwareInfo,
    ThermalPoint,
)
from .round import Round, RoundOrder
from .subject import TOTAL, needs, prepared
from .thermal import measure_thermal

#: Called with (stage, done, total), as the conversion's progress is.
Progress = Callable[[str, int, int], None]


def profile(
    path: str | Path,
    options: ProfileOptions | None = None,
    *,
    progress: Progress = lambda stage, done, total: None,
) -> ProfileResult:
    """Measure a bundle on this machine.

    Each round is a fresh process: a cold load, a first answer, warm calls with a thread beside
    them that samples memory and sensors. Layers and the thermal run come after, in this process.

    Args:
        path: a bundle folder or ``.edge`` file.
        options: what to measure, and how long.
        progress: told how far it is.

    Raises:
        BundleError: the bundle is damaged.
        EngineError: its engine is not installed or refuses a graph.
        UsageError: there is no such part or engine.
        DataError: there is no sample to measure with.
        InputError: a sample cannot be used.
        DeviceError: a process could not be started or died.
    """
    options = options or ProfileOptions()
    bundle = Bundle.open(path)
    edition = choose_edition(bundle.manifest, options.engine)
    began, date = time.monotonic(), datetime.now(timezone.utc).isoformat(timespec="seconds")
    load = os.getloadavg()[0]
    probes = find_probes()
    vitals = VitalsReader(probes=probes)
    before = tuple(probes.read())
    rounds = []
    for number in range(options.rounds):
        progress("rounds", number, options.rounds)
        rounds.append(run_in_process(Path(path), options))
    progress("rounds", options.rounds, options.rounds)
    after, seen = tuple(probes.read()), vitals.read()
    capture = _capture(bundle, edition, options)
    layers, thermal = _in_this_process(bundle, edition, options, vitals, progress)
    first = rounds[0]
    missing = _not_measured(rounds, probes.absent, layers, options)
    if not capture:
        missing["capture"] = "no sample that was used has sound or a picture"
    return ProfileResult(
        date=date,
        seconds=round(time.monotonic() - began, 3),
        bundle=bundle_info(bundle, edition),
        device=device_info(before),
        software=SoftwareInfo(
            edge_sdk=version("edge-sdk"),
            python=platform.python_version(),
            numpy=np.__version__,
            engines=first.engines,
            providers=first.providers,
            threads=first.threads,
        ),
        options=options,
        inputs=first.inputs,
        starts=tuple(one.start for one in rounds),
        cold={
            name: estimate_of([getattr(one.start, name) for one in rounds])
            for name in ("import_ms", "open_ms", "first_ms")
        },
        stages={stage: latency_of([one.stages[stage] for one in rounds]) for stage in first.stages},
        within={name: latency_of([one.within[name] for one in rounds]) for name in first.within},
        cpu=latency_of([one.cpu for one in rounds]),
        capture=capture,
        throughput=sum(len(one.stages[TOTAL]) for one in rounds)
        / sum(one.share.seconds for one in rounds),
        memory=_memory(rounds),
        disturbance=_disturbance(rounds, load),
        sensors=Sensors(
            before=before,
            after=after,
            throttled=seen.throttled,
            throttled_by=seen.reasons,
            absent=dict(sorted(probes.absent.items())),
        ),
        looks=first.looks,
        energy=_energy(rounds),
        layers=layers,
        thermal=thermal,
        not_measured=missing,
    )


def run_in_process(path: Path, options: ProfileOptions) -> Round:
    """One round in a fresh process, its bundle not in the page cache where the kernel drops it.

    Raises:
        EdgeError: what the round met, under its own class.
        DeviceError: the process could not be started or died.
    """
    drop_pages(path)
    order = RoundOrder(bundle=str(path), options=options)
    return in_fresh_process(f"{__package__}.round", order, Round)


def _capture(bundle: Bundle, edition: str, options: ProfileOptions) -> dict[str, CaptureCost]:
    """Of the sources behind what is measured."""
    manifest = bundle.manifest
    taken = manifest.modalities_of(edition_of(manifest, edition))
    if options.part in taken:
        taken = (options.part,)
    given, _ = read_inputs(bundle, taken, options.samples)
    return measure_capture(Frontends(manifest.frontends), given)


def _in_this_process(
    bundle: Bundle,
    edition: str,
    options: ProfileOptions,
    vitals: VitalsReader,
    progress: Progress,
) -> tuple[dict[str, Layers], tuple[ThermalPoint, ...]]:
    if not options.layers and not options.thermal_minutes:
        return {}, ()
    with FusionSession.open(
        bundle.path, engine=options.engine, threads=options.threads, cache=options.cache
    ) as session:
        given, _ = read_inputs(bundle, needs(session, options.part), options.samples)
        thermal: tuple[ThermalPoint, ...] = ()
        if options.thermal_minutes:
            subject, inputs = prepared(session, options, given)
            thermal = measure_thermal(
                subject,
                inputs,
                options.thermal_minutes,
                vitals=vitals,
                progress=lambda share: progress("thermal", round(share * 100), 100),
            )
    layers: dict[str, Layers] = {}
    if options.layers:
        progress("layers", 0, 1)
        settings = EngineOptions(
            threads=options.threads or bundle.manifest.target.threads,
            trace=True,
            cache=Path(options.cache) if options.cache else None,
        )
        layers = measure_layers(bundle, edition, settings, given, options.part)
        progress("layers", 1, 1)
    return layers, thermal


def _memory(rounds: list[Round]) -> Memory:
    def over(values: list[int]) -> Estimate:
        return estimate_of([float(value) for value in values])

    unique = [one.warm.unique for one in rounds if one.warm.unique is not None]
    return Memory(
        imported=over([one.imported.resident for one in rounds]),
        opened=over([one.opened.resident for one in rounds]),
        resident=over([one.warm.resident for one in rounds]),
        peak=over([one.warm.peak for one in rounds]),
        unique=over(unique) if len(unique) == len(rounds) else None,
        inputs=rounds[0].inputs_bytes,
        over_time=rounds[0].memory,
    )


def _disturbance(rounds: list[Round], load: float) -> Disturbance:
    shares = [one.share for one in rounds]
    others = [s.others for s in shares if s.others is not None]
    stolen = [s.stolen for s in shares if s.stolen is not None]
    calls = sum(len(one.stages[TOTAL]) for one in rounds)
    return Disturbance(
        process=median(s.process for s in shares),
        others=median(others) if others else None,
        stolen=median(stolen) if stolen else None,
        preempted=100 * sum(one.preempted for one in rounds) / calls,
        load=round(load, 2),
    )


def _energy(rounds: list[Round]) -> Energy | None:
    spent = [(one.energy, len(one.stages[TOTAL])) for one in rounds if one.energy is not None]
    if len(spent) != len(rounds):
        return None
    return Energy(
        joules=estimate_of([e.joules / calls for e, calls in spent]),
        watts=estimate_of([e.joules / max(e.seconds, 1e-9) for e, _ in spent]),
        sensor=spent[0][0].sensor,
        scope=spent[0][0].scope,
    )


def _not_measured(
    rounds: list[Round],
    absent: dict[str, str],
    layers: dict[str, Layers],
    options: ProfileOptions,
) -> dict[str, str]:
    missing: dict[str, str] = {}
    info = rounds[0].inputs
    for modality, count in info.modalities.items():
        if not count:
            missing[f"encoder.{modality}"] = f"no sample that was used has {modality}"
    for stage, engine in rounds[0].silent.items():
        missing[f"within {stage}"] = f"the engine {engine} does not tell"
    if rounds[0].energy is None:
        missing["energy"] = (
            " ".join(
                absent[name] for name in ("ina3221", "rapl", "raspberry-pi-power") if name in absent
            )
            or "no sensor sees the board or the processor."
        )
    for what in ("thermal", "frequency"):
        if what in absent:
            missing[{"thermal": "temperature"}.get(what, what)] = absent[what]
    if not options.layers:
        missing["layers"] = "not asked for (--layers)"
    for name, found in layers.items():
        if found.times is None:
            missing[f"layers of {name}"] = found.why
    return missing
