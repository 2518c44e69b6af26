"""How many texts each test of a grammar tries. `python run.py report grammar` asks for more."""

from __future__ import annotations

import os

VARIABLE = "STEER_FUZZ_CASES"
TEXTS = int(os.environ.get(VARIABLE, "300"))
