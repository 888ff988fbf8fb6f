"""A workflow of Olive that ends in the pass ``OnnxStaticQuantization``, with its defaults."""

from __future__ import annotations

import logging
import os
import shutil
from typing import Any

# Before it is imported: it reports its use otherwise.
os.environ["OLIVE_DISABLE_TELEMETRY"] = "1"

from job import Job
from olive.data.registry import Registry
from olive.workflows import run


class Feeds:
    """Calibration inputs, batched already; Olive asks for pairs with a label."""

    def __init__(self, feeds: list[dict[str, Any]]) -> None:
        self._feeds = feeds

    def __len__(self) -> int:
        return len(self._feeds)

    def __getitem__(self, number: int) -> tuple[dict[str, Any], int]:
        return self._feeds[number], 0


class Complaints(logging.Handler):
    """The errors that Olive logs and goes on from, without a model."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])

    def first_cause(self) -> str:
        """What the first of them goes back to."""
        error = self.errors[0] if self.errors else None
        while error is not None and error.__cause__ is not None:
            error = error.__cause__
        return str(error or "the workflow gave no model")


def convert_all(job: Job, input_model: Any, passes: dict[str, Any]) -> None:
    """Run the workflow for every part of ``job``.

    Args:
        input_model: called with a part and the file it is given as, gives Olive's input model.
        passes: what comes before the quantisation.
    """

    @Registry.register_dataset("calibration_inputs")  # type: ignore[untyped-decorator]
    def calibration_inputs(part: str, **_: Any) -> Feeds:
        return Feeds(job.feeds(part))

    def one(part: str, given: str, target: str) -> None:
        folder = job.out / f"olive-{part}"
        data = {
            "name": "calibration",
            "load_dataset_config": {"type": "calibration_inputs", "params": {"part": part}},
            "pre_process_data_config": {"type": "skip_pre_process"},
            "post_process_data_config": {"type": "skip_post_process"},
            "dataloader_config": {"type": "no_auto_batch_dataloader"},
        }
        quantise = {"type": "OnnxStaticQuantization", "data_config": "calibration"}
        complaints = Complaints()
        logging.getLogger("olive").addHandler(complaints)
        try:
            found = run(
                {
                    "input_model": input_model(part, given),
                    "systems": {
                        "here": {
                            "type": "LocalSystem",
                            "accelerators": [
                                {"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}
                            ],
                        }
                    },
                    "data_configs": [data],
                    "passes": {**passes, "quantise": quantise},
                    "target": "here",
                    "cache_dir": str(folder / "cache"),
                    "output_dir": str(folder / "out"),
                }
            )
        finally:
            logging.getLogger("olive").removeHandler(complaints)
        best = found.get_best_candidate()
        if best is None:
            raise RuntimeError(complaints.first_cause())
        shutil.copyfile(best.model_path, target)

    job.convert(".onnx", one)
