"""What TensorRT says while it works: kept, so that an error can quote it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .binding import Binding

if TYPE_CHECKING:
    import tensorrt


_LAYERS = "Layers:"


class Log:
    """Errors, warnings, and of what is verbose the lists of layers.

    TensorRT calls :attr:`logger` from threads of its own.

    Args:
        trt: the binding.
    """

    def __init__(self, trt: Binding) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self.layers: list[str] = []
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
            elif msg.startswith(_LAYERS):
                self.layers.append(msg)

        kind = type("EdgeLogger", (base,), {"__init__": __init__, "log": log})
        #: What the binding takes where it asks for a logger.
        self.logger: tensorrt.ILogger = kind()

    def last_error(self) -> str:
        """The last error in one line, or what to say if there was none."""
        if not self.errors:
            return "it gave no reason"
        return " ".join(self.errors[-1].split())
