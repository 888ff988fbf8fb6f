"""A pruned model as a source again."""

from __future__ import annotations

import hashlib

import msgspec
import torch

from ..checkpoint.content import digest_of
from ..fusion.model import FusionModel
from ..fusion.widths import shapes_of
from ..source import Source
from .model import Parts


def source_of(parts: Parts) -> Source:
    """The parts as a source of their own, with the digest of what they are now."""
    whole = parts.whole
    if isinstance(whole, FusionModel):
        plain = FusionModel(msgspec.structs.replace(whole.config, pruned=msgspec.UNSET))
        usual = shapes_of(plain)
        smaller = {n: s for n, s in shapes_of(whole).items() if s != usual[n]}
        whole.config = msgspec.structs.replace(whole.config, pruned=smaller or msgspec.UNSET)
        digest = digest_of(whole.config, whole.state_dict())
    else:
        total = hashlib.sha256(parts.source.digest.encode())
        for name, tensor in sorted(parts.holder.state_dict().items()):
            total.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            flat = tensor.detach().contiguous().reshape(-1)
            total.update(flat.view(torch.uint8).numpy().tobytes())
        digest = total.hexdigest()
    return msgspec.structs.replace(parts.source, digest=digest, parts=parts.specs, module=whole)
