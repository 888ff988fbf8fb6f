"""A bundle, measured on this machine: every stage, cold and warm, memory, sensors, layers.

:func:`~.run.profile` measures; :mod:`.result` is what comes out, and its schema; :mod:`.page`
shows it. ``python -m edge_sdk.benchmarks.profile`` does the same for other programs.
"""

from .options import ProfileOptions
from .result import ProfileResult, read_result, write_result
from .run import profile

__all__ = ["ProfileOptions", "ProfileResult", "profile", "read_result", "write_result"]
