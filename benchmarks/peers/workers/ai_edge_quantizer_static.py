"""ai-edge-quantizer's stock recipe ``static_wi8_ai8`` on TFLite graphs."""

from __future__ import annotations

from ai_edge_quantizer import quantizer, recipe
from job import Job, padded


def main() -> None:
    job = Job()

    def one(part: str, graph: str, target: str) -> None:
        tool = quantizer.Quantizer(graph, recipe.static_wi8_ai8())
        feeds = [padded(feed, job.fixed.get(part, [])) for feed in job.feeds(part)]
        ranges = tool.calibrate({"serving_default": feeds})
        tool.quantize(ranges).export_model(target, overwrite=True)

    job.convert(".tflite", one)


if __name__ == "__main__":
    main()
