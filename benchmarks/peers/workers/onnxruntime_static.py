"""ONNX Runtime's ``quantize_static`` with its defaults."""

from __future__ import annotations

from typing import Any

from job import Job
from onnxruntime.quantization import CalibrationDataReader, quantize_static


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Calibration inputs, one at a time."""

    def __init__(self, feeds: list[dict[str, Any]]) -> None:
        self._feeds = iter(feeds)

    def get_next(self) -> dict[str, Any] | None:
        return next(self._feeds, None)


def main() -> None:
    job = Job()
    job.convert(
        ".onnx", lambda part, graph, target: quantize_static(graph, target, Reader(job.feeds(part)))
    )


if __name__ == "__main__":
    main()
