"""The packages behind TFLite on the build host, imported when they are first needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edge_sdk.errors import DependencyError


def flatbuffer_tools() -> Any:
    """Reads and writes TFLite files as objects."""
    return _package("ai_edge_litert.tools.flatbuffer_utils")


def tflite_schema() -> Any:
    """The classes and enumerations of the TFLite format."""
    return _package("ai_edge_litert.schema_py_generated")


def interpreter_module() -> Any:
    """The module with ``Interpreter`` and ``OpResolverType``."""
    return _package("ai_edge_litert.interpreter")


def _package(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise DependencyError(
            "Converting to TFLite needs the packages of the build host: "
            f"pip install 'edge-sdk[convert]' ({error})."
        ) from error
