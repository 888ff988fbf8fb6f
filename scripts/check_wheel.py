"""Hold a wheel's content against what it must and must not put into site-packages."""

from __future__ import annotations

import sys
import zipfile


def problems(names: list[str]) -> list[str]:
    """What is wrong with a wheel of these files, as sentences."""
    found = []
    packages = [name for name in names if ".dist-info/" not in name]
    stray = [name for name in packages if not name.startswith("edge_sdk/")]
    if stray:
        found.append(f"it holds files outside edge_sdk/: {', '.join(stray[:5])}")
    # The suite for boards is a product: pytest --pyargs edge_sdk.benchmarks.hil.
    tests = [
        name
        for name in packages
        if "/tests/" in name or ("/test_" in name and "/benchmarks/hil/" not in name)
    ]
    if tests:
        found.append(f"it holds tests: {', '.join(tests[:5])}")
    wanted = {
        "edge_sdk/py.typed": "its type information",
        "edge_sdk/targets/rpi5.toml": "the target profiles",
        "edge_sdk/targets/local.py": "the modules of a package",
        "edge_sdk/runtimes/session.py": "the room runtimes",
        "edge_sdk/converters/pipeline.py": "the room converters",
        "edge_sdk/benchmarks/__init__.py": "the room benchmarks",
    }
    found += [f"it lacks {what} ({name})" for name, what in wanted.items() if name not in names]
    if not any(".dist-info/" in name and name.endswith("/LICENSE") for name in names):
        found.append("it lacks the LICENSE")
    return found


def main() -> int:
    """Check the wheel named on the command line."""
    wheel = sys.argv[1]
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    found = problems(names)
    for sentence in found:
        print(f"error: {wheel}: {sentence}", file=sys.stderr)
    if not found:
        print(f"{len(names)} files in the wheel, all in their place")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
