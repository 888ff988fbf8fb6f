"""Starts one command and reports what it used; run as a script, with the standard library only.

A process inherits the peak memory of the one that started it as the floor of its own, so a
command is measured from a process as small as this one and not from a benchmark.

Usage: launcher.py DESCRIPTOR COMMAND [ARGUMENT ...]
"""

from __future__ import annotations

import json
import os
import sys


def main(descriptor: int, command: list[str]) -> int:
    """Run ``command``, write its usage to ``descriptor`` as JSON, return its exit code."""
    os.set_inheritable(descriptor, False)
    pid = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    report = {
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
        "exit_code": code,
    }
    with os.fdopen(descriptor, "w") as pipe:
        json.dump(report, pipe)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
