"""What TensorRT says while it works: kept, so that an error can quote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .binding import Binding

if TYPE_CHECKING:
    import tensorrt


class Log:
    """Messages by severity. TensorRT calls :attr:`logger` from threads of its own.

    Args:
        trt: the binding.
        verbose: keep everything; else errors and warnings only.
    """

    def __init__(self, trt: Binding, *, verbose: bool = False) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.verbose: list[str] = []
        base = trt.ILogger
        severities = base.Severity
        failures = (severities.INTERNAL_ERROR, severities.ERROR)

        def __init__(this: tensorrt.ILogger) -> None:
            base.__init__(this)

        def log(this: tensorrt.ILogger, severity: tensorrt.ILogger.Severity, msg: str) -> None:
            if severity in failures:
                self.errors.append(msg.strip())
            elif severity == severities.WARNING:
                self.warnings.append(msg.strip())
            elif verbose:
                self.verbose.append(msg)

        kind = type("EdgeLogger", (base,), {"__init__": __init__, "log": log})
        #: What the binding takes where it asks for a logger.
        self.logger: tensorrt.ILogger = kind()

    def last_error(self) -> str:
        """The last error in one line, or what to say if there was none."""
        if not self.errors:
            return "it gave no reason"
        return " ".join(self.errors[-1].split())
