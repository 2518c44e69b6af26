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

# Published Schedule. What each name stands for: FACTS in published/facts.py, in this order.
PUBLISHED = (
    "Flux.1 dev",
    "Flux.1 schnell",
    "Flux.2",
    "Flux.2 Klein",
    "Flux.2 Turbo",
    "Flux.2 Turbo, list unshifted",
    "Qwen-Image",
    "Qwen-Image Lightning",
    "Qwen-Image 2.1",
    "Z-Image Turbo",
    "Krea 2",
    "Krea 2 Turbo",
    "Ideogram 4",
    "SD 3.5",
    "Lumina 2",
    "HunyuanImage 2.1",
    "HiDream-I1 Full",
    "HiDream-I1 Dev",
    "Wan 2.1",
    "Wan 2.1 480P",
    "Wan 2.2 T2V A14B",
    "Wan 2.2 I2V A14B",
    "Wan 2.2 TI2V 5B",
)
FROM_MODEL = "from the model"
AS_PUBLISHED = "as published"
SOLVERS = (AS_PUBLISHED, "Euler", "Heun", "UniPC", "DPM++")

# Blend Schedules
BLEND_MEASURES = ("sigma", "log sigma")

# Schedule Plot
AXES = ("sigma (log)", "log-SNR", "alpha_bar", "timestep", "step size")
MIN_SIZE, MAX_SIZE = 320, 4096  # pixels: below, six names in the legend leave no room for the plot

# Forward and Reverse Diffusion
MODEL_TYPES = ("eps or v", "flow")
FRAME_SPACINGS = ("step", "sigma", "log-SNR")
ORDERS = ("noise to picture", "picture to noise")
