"""Training of the embedded model: `run.py train vae`, then `model`, then `controlnet-canny` and the other two.

Then what was soft is sharpened, with a perceptual loss for straight lines and on latents as that UNet makes them:
`vae --shipped --decoder-only --lines 0.005 --sampled 0.65 --kept 0.3` and `controlnet-mlsd --shipped --lines 0.03`.
"""

import os

# Read by the OpenMP runtime when torch is first imported. A waiting thread that spins for long takes the core of the
# thread it waits for as soon as anything else runs on the machine; one that sleeps at once is woken too late. Spinning
# for about a millisecond was best by far: with another process on one of two cores 1.4 s a step, against 2.6 and 3.3.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")
