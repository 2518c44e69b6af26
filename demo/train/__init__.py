"""Training of the embedded model: `run.py train vae`, then `model`, then `controlnet-canny` and the other two.

Then what was soft is sharpened, with a perceptual loss for straight lines and on latents as that UNet makes them:
`vae --shipped --decoder-only --lines 0.005 --sampled 0.65 --kept 0.3` and `controlnet-mlsd --shipped --lines 0.03`.

vae.py, model.py, controlnet.py and judges.py are the programs, options.py holds their options. No file imports a
program.
"""
