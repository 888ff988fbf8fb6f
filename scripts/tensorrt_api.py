"""Type-check the calls to TensorRT against the real binding of one version.

    python scripts/tensorrt_api.py 10.3.0 11.4.0.106

The binding comes from its package (about 1 MB a version), TensorRT itself does not: libraries
that define its nine entry points and do nothing make the binding importable, without a GPU and
without TensorRT, and mypy's stubgen writes down the signatures that it finds there. Needs a C
compiler, x86-64, and a network for the first run of a version; results are kept in
``build/tensorrt-api``.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "build" / "tensorrt-api"
_LIBRARIES = ("nvinfer", "nvonnxparser", "nvinfer_plugin")
_ENTRY_POINTS = (
    "createInferBuilder_INTERNAL",
    "createInferRefitter_INTERNAL",
    "createInferRuntime_INTERNAL",
    "createNvOnnxParserRefitter_INTERNAL",
    "createNvOnnxParser_INTERNAL",
    "getBuilderPluginRegistry",
    "getNvOnnxParserVersion",
    "getPluginRegistry",
    "initLibNvInferPlugins",
)
_PACKAGES = ("edge_sdk.runtimes.tensorrt", "edge_sdk.runtimes.engines")


def stubs(version: str) -> Path:
    """The folder with the stubs of ``tensorrt`` in ``version``, made if absent.

    Raises:
        subprocess.CalledProcessError: the package, the compiler or stubgen fails.
    """
    place = KEPT / version
    if place.is_dir():
        return place
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT, prefix=".") as folder:
        work = Path(folder)
        site, libraries, out = work / "site", work / "lib", work / "stubs"
        package = f"tensorrt-cu12-bindings=={version}"
        _call(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", site, package)
        (site / "tensorrt_bindings").rename(site / "tensorrt")
        _make_libraries(libraries, version.split(".")[0])
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(libraries),
            "PYTHONPATH": str(site),
        }
        stubgen = Path(sys.executable).with_name("stubgen")
        _call(stubgen, "-q", "-p", "tensorrt", "--inspect-mode", "-o", out, env=environment)
        shutil.rmtree(out / "tensorrt" / "plugin", ignore_errors=True)
        for path in out.rglob("*.pyi"):
            path.write_text(_mended(path.read_text()))
        out.rename(place)
    return place


def check(version: str, tree: Path) -> str:
    """What mypy has against the calls; empty if nothing. ``tree`` holds the package's rooms."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "setup.cfg"),
         "--cache-dir", str(KEPT / f"mypy-{version}"), "--no-warn-unused-ignores",
         # Some signatures are unknown even to the binding.
         "--allow-untyped-calls",
         *(word for package in _PACKAGES for word in ("-p", package))],
        cwd=tree,
        env={**os.environ, "MYPYPATH": str(stubs(version))},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        return done.stdout + done.stderr
    # The stubs have errors of their own, and the rest of the package is for `make lint`.
    ours = re.compile(r"edge_sdk/runtimes/(tensorrt/|engines/tensorrt).* error: ")
    return "\n".join(line for line in done.stdout.splitlines() if ours.match(line))


def _make_libraries(folder: Path, major: str) -> None:
    folder.mkdir()
    source = folder / "nothing.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in _ENTRY_POINTS))
    for name in _LIBRARIES:
        target = f"lib{name}.so.{major}"
        _call("cc", "-shared", "-fPIC", f"-Wl,-soname,{target}", "-o", folder / target, source)


def _mended(text: str) -> str:
    """The stubs with what stubgen cannot see in a compiled module put right."""
    # The type tensorrt.bool would hide the builtin in every signature.
    text = re.sub(r"^bool: .*$", "", text, flags=re.MULTILINE)
    # The binding takes a tuple or list wherever it takes Dims.
    text = re.sub(r"(\w: )Dims(?=[,)])", r"\1Dims | tuple[int, ...] | list[int]", text)
    # An engine in memory has the buffer interface.
    text = text.replace(
        "class IHostMemory:",
        "class IHostMemory:\n    def __buffer__(self, flags: int, /) -> memoryview: ...",
    )
    lines = text.splitlines()
    while True:  # a few methods of plug-ins come out as what Python cannot parse
        try:
            ast.parse("\n".join(lines))
        except SyntaxError as error:
            del lines[(error.lineno or 1) - 1]
            continue
        return "\n".join(lines) + "\n"


def _call(*words: str | Path, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(word) for word in words], check=True, env=env)


def main() -> None:
    """Check the versions named on the command line."""
    failed = False
    for version in sys.argv[1:]:
        found = check(version, ROOT / "build" / "types")
        print(f"TensorRT {version}: {found or 'every call fits'}")
        failed = failed or bool(found)
    sys.exit(failed)


if __name__ == "__main__":
    main()
