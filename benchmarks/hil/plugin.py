"""The pytest plugin: options, and the fixtures ``device``, ``deployed_bundle`` and ``profile``.

Tests that ask for ``device`` run once for every board of the labgrid environment; those that also
ask for ``edge_bundle`` once for every bundle on every board. It imports neither labgrid nor an
engine before a test asks for a board.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from edge_sdk.benchmarks.profile import ProfileResult
    from edge_sdk.bundle import Bundle
    from edge_sdk.remote import Deployed

    from .board import Board
    from .matrix import Outcome

_KEY = "edge_sdk"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; labgrid's own plugin brings ``--lg-env``."""
    group = parser.getgroup("edge-sdk", "Edge SDK on boards")
    group.addoption("--edge-bundle", action="append", default=[], metavar="BUNDLE",
                    help="A bundle to prove on every board; repeatable.")  # fmt: skip
    group.addoption("--edge-board", action="append", default=[], metavar="TARGET",
                    help="A target of the environment; repeatable; default: all.")  # fmt: skip
    group.addoption("--edge-samples", metavar="DIR",
                    help="A sample set to answer on, on the board and here.")  # fmt: skip
    group.addoption("--edge-limit", type=int, default=100, metavar="N",
                    help="Samples of --edge-samples to answer on.")  # fmt: skip
    group.addoption("--edge-agreement", type=float, default=0.98, metavar="SHARE",
                    help="Labels that must be those of the graphs as written.")  # fmt: skip
    group.addoption("--edge-budgets", metavar="TOML",
                    help="Budgets, as for edge-sdk compare; their limits are held.")  # fmt: skip
    group.addoption("--edge-rounds", type=int, default=2, metavar="N",
                    help="Rounds of the profile that is judged; default: 2.")  # fmt: skip
    group.addoption("--edge-install", metavar="WHEEL|FOLDER|pip",
                    help="Install edge-sdk on the boards first.")  # fmt: skip
    group.addoption("--edge-extra", action="append", default=[], metavar="NAME",
                    help="With --edge-install: an extra beside those of the bundles' engines, "
                    "such as 'speech'; repeatable.")  # fmt: skip
    group.addoption("--edge-soak", type=float, default=20.0, metavar="SECONDS",
                    help="How long to stream on every board; default: 20.")  # fmt: skip
    group.addoption("--edge-session", metavar="DIR",
                    help="A recorded session, as for edge-sdk assist --replay; it may hold "
                    "assistant.toml, and expected.txt: words of each answer.")  # fmt: skip
    group.addoption("--edge-baseline", metavar="DIR",
                    help="Profiles to hold new ones against: DIR/BOARD/BUNDLE.json.")  # fmt: skip
    group.addoption("--edge-write-baseline", action="store_true",
                    help="Write those profiles anew.")  # fmt: skip
    group.addoption("--edge-matrix", metavar="HTML",
                    help="A page of bundles x boards to write.")  # fmt: skip


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    """With pytest-xdist (``-n 4``) boards run in parallel, each on one worker."""
    boards = _board_names(config) if config.getoption("--edge-bundle") else []
    if not boards:
        return None
    from .workers import scheduler_of

    return scheduler_of(boards, config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a board and bundle."""
    if "device" in metafunc.fixturenames:
        names = _board_names(metafunc.config)
        metafunc.parametrize("device", names, ids=names, indirect=True, scope="session")
    if "edge_bundle" in metafunc.fixturenames:
        paths = metafunc.config.getoption("--edge-bundle")
        params = [pytest.param(path, id=Path(path).stem) for path in paths]
        metafunc.parametrize("edge_bundle", params, indirect=True, scope="session")


def _board_names(config: pytest.Config) -> list[str]:
    path = config.getoption("lg_env", None)
    if path is None:
        return []
    import yaml  # labgrid's

    known = list((yaml.safe_load(Path(path).read_text()) or {}).get("targets", {}))
    wanted = config.getoption("--edge-board") or known
    for name in wanted:
        if name not in known:
            raise pytest.UsageError(
                f"{path} has no target {name!r}; it has {', '.join(known) or 'none'}."
            )
    return list(wanted)


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> Iterator[Board]:
    """A board of the environment, reached over ssh; a reserved place is a board like any other."""
    from .board import open_board

    env = request.getfixturevalue("env")  # labgrid's
    install, extras = map(request.config.getoption, ("--edge-install", "--edge-extra"))
    with open_board(env, request.param, install, extras) as board:
        yield board


@pytest.fixture(scope="session")
def edge_bundle(request: pytest.FixtureRequest) -> Bundle:
    """A bundle of ``--edge-bundle``."""
    from edge_sdk.bundle import Bundle

    return Bundle.open(Path(request.param))


@pytest.fixture(scope="session")
def deployed_bundle(device: Board, edge_bundle: Bundle) -> Deployed:
    """The bundle, deployed to the board, verified there, and current."""
    return device.deploy(edge_bundle)


@pytest.fixture(scope="session")
def profile(
    device: Board, edge_bundle: Bundle, deployed_bundle: Deployed, pytestconfig: pytest.Config
) -> ProfileResult:
    """A short profile of the bundle, measured on the board once it is deployed there."""
    from edge_sdk.benchmarks.profile import ProfileOptions

    rounds = pytestconfig.getoption("--edge-rounds")
    return device.profile(edge_bundle, ProfileOptions(rounds=rounds, calls=30))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Say in JUnit XML and in the matrix which board and which bundle a test was about."""
    outcome: Any = yield
    call = getattr(item, "callspec", None)
    if call is not None and "device" in call.params:
        bundle = Path(call.params.get("edge_bundle", "")).stem
        mine = {"board": call.params["device"], "bundle": bundle}
        outcome.get_result().user_properties += [(f"{_KEY}.{k}", v) for k, v in mine.items()]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Write the matrix; with pytest-xdist, the reports of all workers arrive here."""
    path = config.getoption("--edge-matrix")
    if path is None:
        return
    from .matrix import Cell, write_matrix

    kinds: dict[str, Outcome] = {
        "passed": "passed", "failed": "failed", "skipped": "skipped", "error": "failed",
    }  # fmt: skip
    cells = []
    for kind, outcome in kinds.items():
        for report in terminalreporter.stats.get(kind, ()):
            told = dict(report.user_properties)
            if f"{_KEY}.board" in told and (report.when == "call" or kind != "passed"):
                name = report.nodeid.rpartition("::")[2].partition("[")[0]
                cells.append(
                    Cell(
                        board=told[f"{_KEY}.board"],
                        bundle=told[f"{_KEY}.bundle"],
                        test=name.removeprefix("test_").replace("_", " "),
                        outcome=outcome,
                        emulated=told.get("emulated"),
                    )
                )
    write_matrix(cells, Path(path))
    terminalreporter.write_line(f"matrix of bundles and boards: {path}")
