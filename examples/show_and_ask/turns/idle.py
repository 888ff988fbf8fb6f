"""``python -m examples.show_and_ask.turns.idle``: what waiting costs, capture included."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from edge_sdk.benchmarks.sound import sound_server

from . import CONFIG


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option("--config", type=click.Path(path_type=Path), default=CONFIG)
@click.option("--seconds", default=20.0, show_default=True)
def main(bundle: Path, config: Path, seconds: float) -> None:
    """Run the assistant on BUNDLE with a private sound server in which nobody speaks."""
    program = Path(sys.executable).parent / "edge-sdk"
    with sound_server() as server:
        words = [str(program), "assist", str(bundle), "--config", str(config), "--json"]
        words += ["--mic", "pulse:mic", "--speaker", "pulse:spk"]
        words += ["--state", str(server.folder / "timers.json")]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            while "protocol-native" not in server.source_outputs():
                if process.poll() is not None:
                    sys.exit(process.returncode)
                time.sleep(0.2)
            time.sleep(2)
            before, began = _processor_time(process.pid), time.monotonic()
            time.sleep(seconds)
            spent = _processor_time(process.pid) - before
            share = spent / (time.monotonic() - began)
        finally:
            process.terminate()
            process.wait()
    click.echo(f"waiting for the wake word, capture included: {share:.1%} of a core")


def _processor_time(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
