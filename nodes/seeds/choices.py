"""Names and limits that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

# The random streams of rng.py.
COMFYUI, A1111_GPU, DIFFUSERS = RNGS = ("ComfyUI (CPU)", "A1111 GPU (Philox)", "diffusers (CPU)")
# The largest seed ComfyUI's RandomNoise takes.
MAX_SEED = 2**64 - 1
# The largest batch ComfyUI's Empty Latent Image makes.
MAX_SEEDS = 4096
LADDER_EXAMPLES = "0-1[5], or 0, 0.25, 1"
# Seed Spread
MAX_SPREAD, MAX_SPREAD_STEPS = 20.0, 10_000
