"""Exporters warn, log and print about torch's own internals."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[list[warnings.WarningMessage]]:
    """Nothing is shown; gives the list of what was warned of."""
    logging.disable(logging.ERROR)
    try:
        with (
            warnings.catch_warnings(record=True) as said,
            contextlib.redirect_stdout(io.StringIO()),
        ):
            warnings.simplefilter("always")
            yield said
    finally:
        logging.disable(logging.NOTSET)
