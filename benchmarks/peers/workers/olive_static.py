"""Olive's workflow with the pass ``OnnxStaticQuantization`` and its defaults."""

from __future__ import annotations

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


def main() -> None:
    job = Job()

    @Registry.register_dataset("calibration_inputs")  # type: ignore[untyped-decorator]
    def calibration_inputs(part: str, **_: Any) -> Feeds:
        return Feeds(job.feeds(part))

    def one(part: str, graph: str, target: str) -> None:
        folder = job.out / f"olive-{part}"
        data = {
            "name": "calibration",
            "load_dataset_config": {"type": "calibration_inputs", "params": {"part": part}},
            "pre_process_data_config": {"type": "skip_pre_process"},
            "post_process_data_config": {"type": "skip_post_process"},
            "dataloader_config": {"type": "no_auto_batch_dataloader"},
        }
        found = run(
            {
                "input_model": {"type": "OnnxModel", "model_path": graph},
                "systems": {
                    "here": {
                        "type": "LocalSystem",
                        "accelerators": [
                            {"device": "cpu", "execution_providers": ["CPUExecutionProvider"]}
                        ],
                    }
                },
                "data_configs": [data],
                "passes": {
                    "quantise": {"type": "OnnxStaticQuantization", "data_config": "calibration"}
                },
                "target": "here",
                "cache_dir": str(folder / "cache"),
                "output_dir": str(folder / "out"),
            }
        )
        best = found.get_best_candidate()
        if best is None:
            raise RuntimeError("the workflow gave no model")
        shutil.copyfile(best.model_path, target)

    job.convert(".onnx", one)


if __name__ == "__main__":
    main()
