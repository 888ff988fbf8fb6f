"""Who is compared, in the order of the table; a new one is a line here."""

from __future__ import annotations

from .candidate import Candidate
from .original import Original
from .ours import Ours
from .result import NotRun
from .worker import WorkerPeer

#: The row that others are held against, and the one that answers are compared with.
OURS, FP32 = "ours", "fp32"

CANDIDATES: tuple[Candidate, ...] = (
    Original(FP32, "fp32, exported by Edge SDK"),
    Ours(OURS, "Edge SDK", "onnxruntime", seeded=True),
    WorkerPeer(
        "onnxruntime",
        "ONNX Runtime `quantize_static`, defaults",
        environment="onnxruntime",
        script="onnxruntime_static.py",
        engine="onnxruntime",
        seeded=True,
    ),
    WorkerPeer(
        "olive",
        "Olive, `OnnxStaticQuantization`, defaults",
        environment="olive",
        script="olive_static.py",
        engine="onnxruntime",
        seeded=True,
    ),
    WorkerPeer(
        "olive-from-torch",
        # The default exporter of the pass is the one that traces.
        "Olive from torch, `OnnxConversion` (TorchScript) + `OnnxStaticQuantization`, defaults",
        environment="olive",
        script="olive_from_torch.py",
        engine="onnxruntime",
        seeded=True,
        from_torch=True,
    ),
    WorkerPeer(
        "olive-from-torch-dynamo",
        "Olive from torch, `OnnxConversion` (dynamo) + `OnnxStaticQuantization`",
        environment="olive",
        script="olive_from_torch.py",
        engine="onnxruntime",
        seeded=True,
        from_torch=True,
        arguments=("--dynamo",),
    ),
    WorkerPeer(
        "openvino",
        "NNCF `quantize`, defaults, in OpenVINO",
        environment="openvino",
        script="nncf_openvino.py",
        engine="openvino",
        companions=(".bin",),
    ),
    Ours("ours-litert", "Edge SDK, LiteRT edition", "litert"),
    WorkerPeer(
        "litert",
        "ai-edge-quantizer, `static_wi8_ai8` but for divisions, in LiteRT",
        environment="litert",
        script="ai_edge_quantizer_static.py",
        engine="litert",
    ),
    WorkerPeer(
        "executorch",
        "ExecuTorch, `XNNPACKQuantizer` by channel, in XNNPACK",
        environment="executorch",
        script="executorch_xnnpack.py",
        engine="executorch",
    ),
)

NOT_RUN: tuple[NotRun, ...] = (
    NotRun(
        "litert-torch alone",
        "it has no axes of any length and unrolls a GRU step by step; ai-edge-quantizer is given "
        "the fp32 TFLite graphs that Edge SDK makes by way of litert-torch",
    ),
    NotRun(
        "openWakeWord's loop",
        "measured by `python -m edge_sdk.benchmarks --only streaming-audio --only live-idle`",
    ),
    NotRun(
        "sherpa-onnx's loop",
        "not tried: it needs a keyword model of its own, which would be another model",
    ),
)
