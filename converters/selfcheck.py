"""The shipped graphs with the build host's own kernels, held against the golden values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_sdk.bundle.golden import OUTPUT, Arrays, compare
from edge_sdk.bundle.golden_output import settle_output
from edge_sdk.bundle.manifest import Head, Tolerances
from edge_sdk.errors import ExportError
from edge_sdk.targets import TargetProfile, detect_local

from .backends import load_backend
from .edition import Edition
from .feeds import Wiring
from .golden import GoldenInput, expected_values
from .streaming import stepper_of, stream_values


def check_on_host(
    edition: Edition,
    wiring: Wiring,
    golden: Sequence[GoldenInput],
    expected: Mapping[str, Arrays],
    tolerances: Tolerances,
    answers: Sequence[Head],
    profile: TargetProfile,
) -> list[str]:
    """Run the golden samples with all optimisations; returns warnings.

    ``expected`` has by sample what every stage of the edition is to give.

    Raises:
        ExportError: a stage is out of tolerance although this host's instructions compute the
            target's int8 scheme exactly.
    """
    exact = profile.int8.reduce_range or not detect_local().int8.reduce_range
    heads = {head.name: head for head in answers}
    optimised = {
        name: load_backend(artefact.engine).runner(artefact, optimise=True)
        for name, artefact in edition.artefacts.items()
    }
    audio = edition.artefacts.get("audio")
    stepper = None
    if audio is not None:
        stepper = stepper_of(load_backend(audio.engine), audio, optimise=True)
    for sample in golden:
        wanted = expected.get(sample.id, {})
        features = sample.features_for(edition.modalities)
        got = expected_values(wiring, optimised, features) if wanted else {}
        got |= stream_values(stepper, features)
        for stage, value in got.items():
            kind, _, name = stage.partition(".")
            # The head's outputs follow embeddings that may be int8 themselves.
            behind = edition.chosen if kind == OUTPUT else [name]
            limits = [tolerances.stage(edition.chosen[part]) for part in behind]
            tolerance = min(limits, key=lambda limit: limit.min_snr_db)
            result = compare(stage, value, wanted[stage], tolerance)
            precisions = [edition.chosen[part] for part in behind]
            if kind == OUTPUT and any(p.startswith("int8") for p in precisions):
                share = tolerances.probability(precisions)
                every = [values[stage] for values in expected.values()]
                result = settle_output(
                    result, heads[name], value, wanted[stage], every, tolerance, share
                )
            if result.ok:
                continue
            sentence = (
                f"{stage} of golden sample {sample.id} is off by {result.max_abs:.2g} "
                f"(signal to error {result.snr_db:.1f} dB) with {edition.name} on this host"
            )
            if exact:
                raise ExportError(f"The bundle fails its own check: {sentence}.")
            return [
                f"{sentence}: it has no VNNI and saturates on full-range int8. The target does "
                "not; verify the bundle there."
            ]
    return []
