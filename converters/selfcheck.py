"""The shipped graphs with the build host's own kernels, held against the golden values."""

from __future__ import annotations

from collections.abc import Mapping

import onnx

from edge_sdk.bundle.golden import FEATURES, compare
from edge_sdk.bundle.manifest import Tolerances
from edge_sdk.errors import ExportError
from edge_sdk.targets import Precision, TargetProfile, detect_local

from .golden import Golden, expected_values
from .reference import Reference


def check_on_host(
    golden: Golden,
    graphs: Mapping[str, onnx.ModelProto],
    chosen: Mapping[str, Precision],
    tolerances: Tolerances,
    profile: TargetProfile,
) -> list[str]:
    """Run the golden samples with all optimisations; returns warnings.

    Raises:
        ExportError: a stage is out of tolerance although this host's instructions compute the
            target's int8 scheme exactly.
    """
    exact = profile.int8.reduce_range or not detect_local().int8.reduce_range
    encoders = [name for name in graphs if name != "head"]
    optimised = {name: Reference(graph, optimise=True) for name, graph in graphs.items()}
    for sample, values in zip(golden.samples, golden.expected, strict=True):
        features = {m: values[f"{FEATURES}.{m}"] for m in sample.modalities}
        got = expected_values(encoders, features, optimised)
        for stage, value in got.items():
            kind, _, name = stage.partition(".")
            part = "head" if kind == "logits" else name
            # The head's logits follow embeddings that are int8 themselves.
            lowest = "int8" if part == "head" and "int8" in chosen.values() else chosen.get(part)
            tolerance = tolerances.int8 if lowest == "int8" else tolerances.fp32
            result = compare(stage, value, values[stage], tolerance)
            if result.ok:
                continue
            sentence = (
                f"{stage} of golden sample {sample.id} is off by {result.max_abs:.2g} "
                f"(signal to error {result.snr_db:.1f} dB) with this host's kernels"
            )
            if exact:
                raise ExportError(f"The bundle fails its own check: {sentence}.")
            return [
                f"{sentence}: it has no VNNI and saturates on full-range int8. The target does "
                "not; verify the bundle there."
            ]
    return []
