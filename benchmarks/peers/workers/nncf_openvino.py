"""NNCF's ``quantize`` with its defaults, for OpenVINO."""

from __future__ import annotations

import os

# Before it is imported: it reports its use otherwise.
os.environ["NNCF_CI"] = "1"

import nncf
import openvino
from job import Job


def main() -> None:
    job = Job()

    def one(part: str, graph: str, target: str) -> None:
        feeds = job.feeds(part)
        model = openvino.Core().read_model(graph)
        made = nncf.quantize(model, nncf.Dataset(feeds), subset_size=len(feeds))
        openvino.save_model(made, target)

    job.convert(".xml", one)


if __name__ == "__main__":
    main()
