"""For other programs, such as one that measures over ssh.

Usage: python -m edge_sdk.benchmarks.profile BUNDLE OUTPUT.json [OPTIONS.json]

``OPTIONS.json`` holds the fields of :class:`~.options.ProfileOptions`. The exit code and the
sentence on standard error are those of ``edge-sdk profile``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from edge_sdk.errors import EdgeError, UsageError

from . import ProfileOptions, profile, write_result


def main(arguments: list[str]) -> int:
    """Measure, and write the result."""
    try:
        if len(arguments) not in (2, 3):
            raise UsageError(
                "Usage: python -m edge_sdk.benchmarks.profile BUNDLE OUTPUT.json [OPTIONS.json]"
            )
        options = ProfileOptions()
        if len(arguments) == 3:
            try:
                content = Path(arguments[2]).read_bytes()
                options = msgspec.json.decode(content, type=ProfileOptions)
            except (OSError, msgspec.DecodeError) as error:
                raise UsageError(
                    f"The options in {arguments[2]} cannot be used: {error}"
                ) from error
        write_result(profile(arguments[0], options), Path(arguments[1]))
    except EdgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
