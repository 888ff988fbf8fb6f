"""Answer on every sample of a set, on this machine's kernels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from edge_sdk.bundle import Bundle
from edge_sdk.digest import sha256_hex
from edge_sdk.errors import DataError
from edge_sdk.frontends import Frontends
from edge_sdk.frontends.media import sample_values
from edge_sdk.runtimes.engines import EngineOptions
from edge_sdk.runtimes.parts import choose_edition
from edge_sdk.runtimes.rungs import Rungs
from edge_sdk.runtimes.session import FusionSession
from edge_sdk.samples import INDEX, SampleSet, spread_evenly

from ..profile.provenance import bundle_info, device_info
from .result import Answer, Evaluation, SamplesInfo
from .scores import score_heads

Progress = Callable[[str, int, int], None]


def evaluate(
    path: str | Path,
    folder: str | Path,
    *,
    engine: str = "auto",
    threads: int | None = None,
    limit: int | None = None,
    reference: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> Evaluation:
    """Answer with the bundle at ``path`` on the sample set in ``folder``.

    Args:
        path: a bundle folder or ``.edge`` file.
        folder: a sample set; its labels, where it has some, make the scores.
        engine: the edition, as :meth:`FusionSession.open` takes it.
        threads: of the engine; None: what the target says.
        limit: answer on so many samples, spread evenly over the set.
        reference: run the graphs as they are written, node by node, as golden values are made:
            what any processor's kernels are to be held against.
        progress: told how far it is.

    Raises:
        BundleError: the bundle is damaged, or fails its self-test here.
        EngineError: its engine is not installed or refuses a graph.
        DataError: the set is malformed, or has no sample of a modality that the model takes.
        InputError: a file of a sample cannot be used.
    """
    samples = SampleSet.open(folder)
    with _open(path, engine, threads, reference) as session:
        usable = [s for s in samples if set(s.modalities) & set(session.modalities)]
        chosen = spread_evenly(usable, limit)
        if not chosen:
            raise DataError(
                f"{folder} has no sample with {' or '.join(session.modalities)} to answer on."
            )
        answers = []
        for number, sample in enumerate(chosen):
            progress("answers", number, len(chosen))
            values = sample_values(session.frontends.config, samples, sample, session.modalities)
            found = session.infer(**values).heads
            answers.append(
                Answer(
                    id=sample.id,
                    labels={name: head.label for name, head in found.items()},
                    confidence={name: round(head.confidence, 6) for name, head in found.items()},
                )
            )
        progress("answers", len(chosen), len(chosen))
        return Evaluation(
            date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            bundle=bundle_info(session.bundle, session.parts.edition),
            device=device_info(()),
            edge_sdk=version("edge-sdk"),
            engines=session.parts.engines,
            reference=reference,
            samples=SamplesInfo(
                source=samples.root.resolve().name,
                digest=sha256_hex((samples.root / INDEX).read_bytes()),
                in_set=len(samples),
                answered=len(answers),
            ),
            heads=score_heads(chosen, answers),
            answers=tuple(answers),
        )


def _open(path: str | Path, engine: str, threads: int | None, reference: bool) -> FusionSession:
    if not reference:
        return FusionSession.open(path, engine=engine, threads=threads)
    bundle = Bundle.open(path)
    options = EngineOptions(threads=threads or bundle.manifest.target.threads, optimise=False)
    edition = choose_edition(bundle.manifest, engine)
    frontends = Frontends(bundle.manifest.frontends)
    rungs = Rungs(bundle, edition, options, frontends, check=False)
    return FusionSession(bundle, rungs, frontends)
