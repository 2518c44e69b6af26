"""`python run.py report grammar`: the tests of every grammar that users write in, with 10,000 texts each.

Writes tests/reports/grammar.md. The suite runs the same tests with 300.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from ...runner.pack import ROOT
from ..support.fuzz import VARIABLE
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "grammar.md"
FILES = [
    f"tests/{name}.py"
    for name in (
        "prompts/test_swap",
        "prompts/test_template",
        "prompts/test_timed_text",
        "seeds/test_text",
        "sweep/axes/test_values",
    )
]
# A test's block of pytest's statistics: its name, then how long and with how many examples it ran.
BLOCK = re.compile(r"^(\w+/\S+::\w+):$(.*?)(?=^\w+/\S+::\w+:$|\Z)", re.MULTILINE | re.DOTALL)
PASSED = re.compile(r"during generate phase \(([\d.]+) seconds\):.*?- (\d+) passing, (\d+) failing", re.DOTALL)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report grammar", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    pytest = Path(sys.executable).with_name("pytest.exe" if os.name == "nt" else "pytest")
    command = [str(pytest), *FILES, "-q", "-p", "no:cacheprovider", "--hypothesis-show-statistics"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {VARIABLE: str(options.cases)},
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    found = [(name, PASSED.search(block)) for name, block in BLOCK.findall(done.stdout)]
    rows = [(name, match) for name, match in found if match is not None]
    if done.returncode or not rows:
        print(done.stdout[-4000:], done.stderr[-2000:])
    failing = sum(int(match[3]) for _, match in rows)
    text = [
        "# The grammars, fuzzed",
        "",
        f"`{' '.join(['python run.py report grammar', *argv])}`, {datetime.date.today()}, "
        f"Python {platform.python_version()}.",
        "",
        "Never a crash: a text is read, or refused with an error that points at a character; what was read and is "
        f"written out reads back the same. Texts that failed: {failing}. "
        f"{'pass' if not failing and not done.returncode else 'MISS'}",
        "",
        "| test | texts tried | seconds |",
        "|---|---|---|",
        *(f"| `{name}` | {match[2]} | {float(match[1]):.0f} |" for name, match in rows),
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[4:]))
    return 1 if done.returncode or failing or not rows else 0
