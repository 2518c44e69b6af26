"""`run.py test [--fast] [pytest arguments]`: the suite, with the browser tests wherever there is a browser."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from ..pack import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)

MAX_WORKERS = 4  # up to 3 GB of memory each
# Without bytecode each of the ComfyUIs that the suite starts, and each worker, would compile all sources again.
LEFT_OUT = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
ALL, FAST = "", "not server and not browser and not slow"  # of pytest's -m


def find_browser() -> str | None:
    """An installed Chromium, Chrome or Edge."""
    named = (shutil.which(name) for name in BROWSERS)
    return next((path for path in (*named, *filter(os.path.exists, PLACES)) if path), None)


def install_browser() -> str | None:
    """Debian's chromium, where this is Debian and we are root."""
    if shutil.which("apt-get") is None or os.name == "nt" or os.geteuid() != 0:
        return None
    print("Installing Debian's chromium for the browser tests ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stderr.strip()[-800:]}", flush=True)
    return find_browser()


def run(options: argparse.Namespace) -> int:
    """Run pytest on tests/ with a worker for each core; returns its exit code."""
    environment = {k: v for k, v in os.environ.items() if k not in LEFT_OUT} | {"OMP_NUM_THREADS": "1"}
    marks = FAST
    if not options.fast:
        marks, browser = _find_marks()
        environment |= {"STEER_BROWSER": browser} if browser else {}
    # A worker for each core, each with one torch thread and, if its tests need one, its own ComfyUI.
    workers = min(MAX_WORKERS, os.cpu_count() or 1)
    arguments = ["-n", str(workers), "--dist", "loadfile", "--no-loadscope-reorder", "-m", marks, *options.rest]
    everything = [] if any(map(_is_test, options.rest)) else ["tests"]
    # -P keeps the checkout off sys.path. There may be no program `pytest`: another ComfyUI's packages may hold it.
    return subprocess.call([sys.executable, "-P", "-m", "pytest", *everything, *arguments], cwd=ROOT, env=environment)


def _is_test(argument: str) -> bool:
    """Whether an argument of pytest names a file or a folder: tests/pack/test_help.py::test_name."""
    return not argument.startswith("-") and (ROOT / argument.split("::")[0]).exists()


def _find_marks() -> tuple[str, str | None]:
    """Which tests can run here, as pytest's -m takes it, and a browser. Exits in CI without one."""
    browser = find_browser() or install_browser()
    if browser:
        return ALL, browser
    if os.environ.get("CI"):
        sys.exit("No browser: the browser tests are part of CI. Install chromium, Chrome or Edge.")
    print(
        "=" * 78 + "\nNO BROWSER FOUND: the browser tests are LEFT OUT of this run.\n"
        "Install chromium, Google Chrome or Microsoft Edge to run them.\n" + "=" * 78,
        flush=True,
    )
    return "not browser", None
