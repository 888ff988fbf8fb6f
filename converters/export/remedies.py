"""What is known to help where a module cannot be exported: data, first match wins."""

from __future__ import annotations

import re

import msgspec


class Remedy(msgspec.Struct, frozen=True):
    """A pattern that the exporter's message or an operator's name shows, and what to do."""

    pattern: str
    advice: str


REMEDIES = (
    Remedy(
        r"data-dependent|\.item\(\)|_local_scalar_dense|Could not guard|control flow"
        r"|bool\(\) on a Fake|nonzero",
        "The code branches or indexes by the values of a tensor; write it with torch.where, a "
        "mask or a multiplication instead.",
    ),
    Remedy(
        r"specialized it to be a constant|Constraints violated|constant \(\d+\)",
        "The code freezes the number of frames or tokens (int(x.shape[1]), a Python loop over "
        "time, a fixed reshape); keep it symbolic, or set length in the spec.",
    ),
    Remedy(
        r"pack_padded_sequence|PackedSequence|_pack_padded",
        "Packed sequences have no ONNX form; give the padded tensor to the layer itself, batch 1 "
        "needs no packing.",
    ),
    Remedy(
        r"fft|stft|complex",
        "Complex numbers and Fourier transforms have no int8 or edge form; "
        "leave spectra to the audio front-end and take its features.",
    ),
    Remedy(
        r"aten\.(linalg_|svd|_linalg|inverse|cholesky|lstsq|pinverse)",
        "Matrix decompositions have no ONNX operator; compute them before conversion if they are "
        "constant.",
    ),
    Remedy(
        r"aten\.(unique|nonzero|masked_select|bincount|histc)",
        "Its result has a size that depends on values; use a mask of a fixed size.",
    ),
    Remedy(
        r"torchvision|nms|roi_align",
        "Move box selection (nms, roi_align) out of the model, behind the session.",
    ),
    Remedy(
        r"flash|flex_attention|xformers|triton",
        "Use the eager attention: attn_implementation='eager' in a Hugging Face config, or "
        "torch.nn.functional.scaled_dot_product_attention.",
    ),
    Remedy(
        r"quantized|quantize_per",
        "The model is quantised already; give the float model, the conversion quantises it.",
    ),
    Remedy(
        r"grid_sampler|adaptive_max_pool|fractional_max_pool|max_unpool",
        "Use interpolation or pooling with fixed sizes (avg_pool, adaptive_avg_pool to 1).",
    ),
    Remedy(
        r".",
        "Replace it by operators of the ONNX operator set 18, or keep that step outside the model.",
    ),
)


def remedy(message: str) -> str:
    """The first advice whose pattern is in ``message``."""
    return next(r.advice for r in REMEDIES if re.search(r.pattern, message, re.S | re.I))
