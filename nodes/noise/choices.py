"""Names and limits that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

# Noise Schedule. What each name stands for: FAMILIES in schedule.py.
SCHEDULERS = (
    "DDPM",
    "DDIM",
    "PNDM",
    "LMS",
    "Euler",
    "Euler ancestral",
    "Heun",
    "KDPM2",
    "KDPM2 ancestral",
    "DPM++ 2M",
    "DPM++ 2M SDE",
    "DPM++ singlestep",
    "DPM++ SDE",
    "UniPC",
    "DEIS",
    "LCM",
    "TCD",
    "EDM Euler",
    "Flow-match Euler",
)
DEFAULT = "default"
TIMESTEP_SPACINGS = (DEFAULT, "linspace", "leading", "trailing")
SIGMA_SPACINGS = (DEFAULT, "karras", "exponential", "beta")
BETA_SCHEDULES = ("scaled_linear", "linear", "squaredcos_cap_v2", "sigmoid", "laplace", "exp")
MAX_STEPS = 10_000

# Schedule Plot
AXES = ("sigma (log)", "log-SNR", "alpha_bar", "timestep", "step size")
MIN_SIZE, MAX_SIZE = 320, 4096  # pixels: below, six names in the legend leave no room for the plot

# Forward and Reverse Diffusion
MODEL_TYPES = ("eps or v", "flow")
FRAME_SPACINGS = ("step", "sigma", "log-SNR")
ORDERS = ("noise to picture", "picture to noise")
