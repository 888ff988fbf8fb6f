"""ai-edge-quantizer's stock recipe ``static_wi8_ai8`` on TFLite graphs, divisions left float.

A mean over the true length of a padded input divides by a count. With one scale for counts up to
the padded length, a short input's count is rounded to zero, which LiteRT's kernel refuses.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import qtyping, quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from job import Job, padded
from run import litert_graph


def main() -> None:
    job = Job()

    def one(part: str, graph: str, target: str) -> None:
        kinds = dtypes(graph)
        feeds = [padded(feed, job.fixed.get(part, [])) for feed in job.feeds(part)]
        # It hands them to the graph as they are, and the graph takes nothing but its own types.
        given = [{n: value.astype(kinds[n]) for n, value in feed.items()} for feed in feeds]
        tool = quantizer.Quantizer(graph, recipe.static_wi8_ai8())
        tool.update_quantization_recipe(
            ".*", qtyping.TFLOperationName.DIV, algorithm_key=AlgorithmName.NO_QUANTIZE
        )
        ranges = tool.calibrate({"serving_default": given})
        tool.quantize(ranges).export_model(target, overwrite=True)
        # One that cannot run stays as it was, as one that cannot be made.
        litert_graph(target)(feeds[0])

    job.convert(".tflite", one)


def dtypes(graph: str) -> dict[str, Any]:
    """By the name of an input, what the graph takes."""
    runner = Interpreter(model_path=graph).get_signature_runner()
    return {name: detail["dtype"] for name, detail in runner.get_input_details().items()}


if __name__ == "__main__":
    main()
