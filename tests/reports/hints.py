"""`python run.py report hints`: does the hint check of ControlNet Guide recognise hints, and leave pictures alone?

Writes tests/reports/hints.md: hints made by Steer's preprocessors and by controlnet_aux from held-out scenes and
photographs, as they are and inverted; then every photograph at hand. tests/control looks at a sample of the same.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections import Counter

import cv2

from ...preprocessors.recognise import POSE, Look, recognise
from ...runner.pack import ROOT
from ..support.hint_pictures import SOURCES, hints, photograph, photograph_files
from .parts.places import output_file

OUTPUT = ROOT / "tests" / "reports" / "hints.md"
LEAST_SHARE = 97.0


def looks_of(source: str, indices: range) -> list[tuple[Look, Look]]:
    """(what it is, what it is taken for) of every hint of a source."""
    return [(Look(hint.answer, hint.inverted), recognise(hint.picture)) for hint in hints(source, indices)]


def row(name: str, pairs: list[tuple[Look, Look]]) -> str:
    """A line of the table: how many are right, and what the others were taken for."""
    right = sum(expected == found for expected, found in pairs)
    wrong = Counter(
        f"{found.what}{', inverted' if found.inverted else ''}" for expected, found in pairs if expected != found
    )
    taken = ", ".join(f"{what} {count}" for what, count in wrong.most_common())
    return f"| {name} | {len(pairs)} | {right} | {100 * right / max(1, len(pairs)):.1f} % | {taken} |"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py report hints", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="hints, before they are inverted")
    parser.add_argument("--out", type=output_file, default=OUTPUT)
    options = parser.parse_args(argv)
    started = time.monotonic()
    lines, every = [], list[tuple[Look, Look]]()
    for number, source in enumerate(SOURCES):
        count = options.count // len(SOURCES) + (number < options.count % len(SOURCES))
        pairs = looks_of(source, range(count))
        every += pairs
        for name, inverted in ((source, False), (f"{source}, inverted", True)):
            lines.append(row(name, [pair for pair in pairs if pair[0].inverted == inverted]))
            print(lines[-1], flush=True)
    share = 100 * sum(expected == found for expected, found in every) / max(1, len(every))
    pictures = [recognise(photograph(index)) for index in range(len(photograph_files()))]
    poses = sum(look.what == POSE for look in pictures)
    kinds = ", ".join(f"{what} {count}" for what, count in Counter(look.what for look in pictures).most_common())
    passed = share >= LEAST_SHARE and poses == 0
    text = [
        "# The hint check of ControlNet Guide",
        "",
        f"`{' '.join(['python run.py report hints', *argv])}`, {datetime.date.today()}, "
        f"{time.monotonic() - started:.0f} s, OpenCV {cv2.__version__}.",
        "",
        f"- Recognised, and whether it is inverted: {share:.1f} % of {len(every)} (asked: {LEAST_SHARE:g} %). "
        f"{'pass' if share >= LEAST_SHARE else 'MISS'}",
        f"- Photographs and stills taken for a pose: {poses} of {len(pictures)} (asked: none). "
        f"{'pass' if not poses else 'MISS'}",
        f"- What those are taken for: {kinds}. Only `photograph` and `other` raise no wrong name.",
        "",
        "Even numbers of a source are made from held-out scenes, odd ones from photographs; rooms alone for straight "
        "lines, figures alone for poses. Sizes are 256 to 768; one in four of controlnet_aux's is enlarged after it "
        "was drawn.",
        "",
        "| made by | hints | right | share | the others are taken for |",
        "|---|---|---|---|---|",
        *lines,
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")
    print("\n".join(text[4:7]))
    return 0 if passed else 1
