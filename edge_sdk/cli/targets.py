"""``edge-sdk targets``."""

from __future__ import annotations

import click

from ..targets import load_target, target_names
from .output import emit_json, table


@click.command("targets")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """List the target profiles; 'local' is this machine, as detected."""
    profiles = [load_target(name) for name in target_names()]
    if as_json:
        emit_json({"targets": profiles})
        return
    rows = [("target", "processor", "precisions", "int8 weights", "description")]
    for p in profiles:
        bits = "7 bit" if p.int8.reduce_range else "8 bit"
        rows.append((p.name, p.cpu, ", ".join(p.precisions), bits, p.description))
    click.echo(table(rows))
