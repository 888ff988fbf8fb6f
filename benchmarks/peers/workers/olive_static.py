"""Olive's workflow with the pass ``OnnxStaticQuantization`` and its defaults."""

from __future__ import annotations

from job import Job
from olive_workflow import convert_all


def main() -> None:
    def input_model(_: str, graph: str) -> dict[str, str]:
        return {"type": "OnnxModel", "model_path": graph}

    convert_all(Job(), input_model, {})


if __name__ == "__main__":
    main()
