"""What measures on a device needs nothing beyond an engine."""

from __future__ import annotations

import json
from pathlib import Path

from .conftest import Cli


def test_a_profile_with_its_layers_and_a_comparison(cli: Cli, bundle: Path, tmp_path: Path) -> None:
    made = []
    for name in ("base", "new"):
        made.append(tmp_path / f"{name}.json")
        cli("profile", bundle, "--rounds", "2", "--calls", "10", "--layers", "--json", made[-1])
    result = json.loads(made[0].read_text())
    assert result["stages"]["total"]["p50"]["value"] > 0
    assert result["capture"]
    for part, layers in result["layers"].items():
        assert layers["times"], f"{part}: {layers['why']}"
    # Two rounds of ten calls say little; what is tried is that it can be said here.
    budgets = tmp_path / "budgets.toml"
    budgets.write_text('[default.regression]\n"size_mb" = "1%"\n')
    found = cli.json("compare", *made, "--budget", budgets)
    assert found["passed"]


def test_a_page_says_what_it_needs(cli: Cli, bundle: Path, tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    said = cli("profile", bundle, "--rounds", "1", "--calls", "10", "--html", page, code=11)
    assert "pip install 'edge-sdk[report]'" in said.stderr
    assert not page.exists()
