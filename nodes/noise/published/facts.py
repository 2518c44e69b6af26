"""What the authors of each model publish about its schedule: the one table, with the source and the date of each row.

Sigma is the share of noise, 1 to 0. All rows begin with a grid of sigmas and move it by mu, the logarithm of the shift:

    shifted = e^mu sigma / (1 + (e^mu - 1) sigma)       (diffusers, FlowMatchEulerDiscreteScheduler._time_shift)

"second" names an independent source that says the same. Where it is empty, the row is unverified.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..choices import PUBLISHED

READ = "2026-11-30"  # when the sources were read
DIFFUSERS = "diffusers 0.42.1"  # its installed code; tests/noise compares with whichever is installed
COMFYUI = "ComfyUI 0.3.75, comfy/supported_models.py"
NEWER_COMFYUI = "Comfy-Org/ComfyUI at 01f03bbd, comfy/supported_models.py"

# The grids before the shift, for n steps. All end with a further zero.
WHOLE = "whole"  # 1, (n - 1) / n, ... 1 / n
TRAINED = "trained"  # n sigmas from 1 to the smallest trained one, which is shifted already: the shift counts twice
UNIPC = "UniPC"  # 1 to 0.001 in n steps, the last left out; a first sigma of 1 becomes 1 - 1e-6
DPM = "DPM++"  # 0.999 to 0 in n steps


@dataclass(frozen=True)
class FixedMu:
    """The same mu at every size."""

    mu: float


@dataclass(frozen=True)
class LinearMu:
    """mu rises with the number of image tokens, beyond both ends too (calculate_shift of diffusers' pipelines)."""

    low_tokens: int
    high_tokens: int
    low: float
    high: float


@dataclass(frozen=True)
class EmpiricalMu:
    """mu of Flux.2, which falls with the number of steps (compute_empirical_mu)."""


@dataclass(frozen=True)
class LogitNormal:
    """Quantiles of a logit-normal distribution in place of a shifted grid (Ideogram 4)."""

    mean: float
    deviation: float


Rule = FixedMu | LinearMu | EmpiricalMu | LogitNormal


@dataclass(frozen=True)
class Published:
    """One row. steps: the authors' number. grid: as above. terminal: the last sigma above zero, 0 for none.

    sigmas: a fixed list in place of the grid. models: classes of comfy.supported_models; the first family that names a
    class is the one that a MODEL of it is taken for. pixels: of the side of a latent cell. comfy: how ComfyUI's loader
    sets the model by default, as mu.
    """

    rule: Rule
    steps: int
    source: str
    second: str = ""
    grid: str = WHOLE
    terminal: float = 0.0
    sigmas: tuple[float, ...] = ()
    models: tuple[str, ...] = ()
    pixels: int = 8
    comfy: float = 0.0
    note: str = ""


def _shift(value: float) -> FixedMu:
    return FixedMu(math.log(value))


_FLUX = LinearMu(256, 4096, 0.5, 1.15)
_QWEN = LinearMu(256, 8192, 0.5, 0.9)
_KREA = LinearMu(256, 6400, 0.5, 1.15)
_TURBO = (1.0, 0.6509, 0.4374, 0.2932, 0.1893, 0.1108, 0.0495, 0.00031)
_WAN = ("WAN21_T2V",)
_COMFY_WAN = math.log(8.0)

_ROWS = (
    Published(  # Flux.1 dev
        _FLUX,
        28,
        "black-forest-labs/flux, src/flux/sampling.py, get_schedule",
        f"{DIFFUSERS}, FluxPipeline",
        models=("Flux",),
        comfy=1.15,
        note="Also Krea dev, Kontext and Fill. Kontext counts the tokens of the new picture alone.",
    ),
    Published(  # Flux.1 schnell
        FixedMu(0.0),
        4,
        "black-forest-labs/flux, src/flux/cli.py: no shift",
        f"{COMFYUI}: shift 1",
        models=("FluxSchnell",),
    ),
    Published(  # Flux.2
        EmpiricalMu(),
        50,
        "black-forest-labs/flux2, src/flux2/sampling.py at 1b163b75",
        f"{DIFFUSERS}, Flux2Pipeline",
        models=("Flux2",),
        pixels=16,
        comfy=2.02,
    ),
    Published(  # Flux.2 Klein
        EmpiricalMu(),
        4,
        "black-forest-labs/flux2, src/flux2/sampling.py at 1b163b75",
        f"{DIFFUSERS}, Flux2KleinPipeline",
        models=("Flux2",),
        pixels=16,
        comfy=2.02,
        note="4 steps are those of the distilled Klein.",
    ),
    Published(  # Flux.2 Turbo
        EmpiricalMu(),
        8,
        "huggingface.co/fal/FLUX.2-dev-Turbo, as quoted in mcmonkeyprojects/SwarmUI#1208",
        sigmas=_TURBO,
        models=("Flux2",),
        pixels=16,
        comfy=2.02,
        note="The card hands its list to diffusers' Flux2Pipeline, which shifts it by mu. So does this row.",
    ),
    Published(  # Flux.2 Turbo, list as it is
        FixedMu(0.0),
        8,
        "huggingface.co/fal/FLUX.2-dev-Turbo, as quoted in mcmonkeyprojects/SwarmUI#1208",
        sigmas=_TURBO,
        models=("Flux2",),
        pixels=16,
        comfy=2.02,
        note="The card's list without the shift that its own code adds, as it is used in ComfyUI's ManualSigmas.",
    ),
    Published(  # Qwen-Image
        _QWEN,
        50,
        "huggingface.co/Qwen/Qwen-Image, scheduler/scheduler_config.json, as quoted in ostris/ai-toolkit",
        "kohya-ss/musubi-tuner, hv_train_network.py, qwen_shift (the mu; it has no terminal sigma)",
        terminal=0.02,
        models=("QwenImage",),
        comfy=1.15,
        note="Also Edit, 2509, 2511 and 2512.",
    ),
    Published(  # Qwen-Image Lightning
        _shift(3.0),
        8,
        "ModelTC/Qwen-Image-Lightning, generate_with_diffusers.py at 342260e8",
        models=("QwenImage",),
        comfy=1.15,
        note="For the LoRAs of 4 and 8 steps. There is no terminal sigma.",
    ),
    Published(  # Qwen-Image 2.1
        _QWEN,
        40,
        "Comfy-Org/ComfyUI#16447, which quotes the scheduler config of the release",
        f"{NEWER_COMFYUI}: mu 0.5 at 256, 0.9 at 8192 tokens",
        terminal=0.02,
        models=("QwenImage21",),
        pixels=16,
        comfy=0.69,
    ),
    Published(  # Z-Image Turbo
        _shift(3.0),
        8,
        "Tongyi-MAI/Z-Image, src/zimage/pipeline.py at 6c035db7: its 9 sigmas end at 0",
        f"{COMFYUI}: shift 3",
        models=("ZImage",),
        comfy=math.log(3.0),
    ),
    Published(  # Krea 2
        _KREA,
        28,
        "huggingface.co/krea/Krea-2-Raw, scheduler_config.json, as quoted in mflux-community/mflux#465",
        f"{DIFFUSERS}, Krea2Pipeline",
        models=("Krea2",),
        comfy=1.15,
    ),
    Published(  # Krea 2 Turbo
        FixedMu(1.15),
        8,
        f"{DIFFUSERS}, Krea2Pipeline, is_distilled",
        models=("Krea2",),
        comfy=1.15,
    ),
    Published(  # Ideogram 4
        LogitNormal(0.0, 1.5),
        48,
        f"{DIFFUSERS}, Ideogram4Pipeline",
        models=("Ideogram4",),
        pixels=16,
        note="The setting of 48 steps. The settings of 20 and 12 steps have other deviations.",
    ),
    Published(  # SD 3.5
        _shift(3.0),
        40,
        "Stability-AI/sd3.5, sd3_infer.py at 0d36b140",
        f"{DIFFUSERS}, FlowMatchEulerDiscreteScheduler of shift 3; {COMFYUI}",
        grid=TRAINED,
        models=("SD3",),
        comfy=math.log(3.0),
        note="Medium is published with 50 steps, Turbo with 4. The smallest sigma is shifted twice, there as here.",
    ),
    Published(  # Lumina 2
        _shift(6.0),
        30,
        f"{COMFYUI}: shift 6",
        models=("Lumina2",),
        comfy=math.log(6.0),
    ),
    Published(  # HunyuanImage 2.1
        _shift(5.0),
        50,
        "Tencent-Hunyuan/HunyuanImage-2.1, example of its pipeline",
        f"{COMFYUI}: shift 5",
        models=("HunyuanImage21",),
        pixels=32,
        comfy=math.log(5.0),
    ),
    Published(  # HiDream-I1 full
        _shift(3.0),
        50,
        "HiDream-ai/HiDream-I1, inference.py: FlowUniPC of shift 3",
        grid=UNIPC,
        models=("HiDream",),
    ),
    Published(  # HiDream-I1 dev
        _shift(6.0),
        28,
        "HiDream-ai/HiDream-I1, inference.py",
        grid=TRAINED,
        models=("HiDream",),
    ),
    Published(  # Wan 2.1
        _shift(5.0),
        50,
        "Wan-Video/Wan2.1, generate.py at 1fea12c3: sample_shift 5",
        f"{DIFFUSERS}, WanPipeline: flow_shift 5 for 720P, UniPC",
        grid=UNIPC,
        models=_WAN,
        comfy=_COMFY_WAN,
    ),
    Published(  # Wan 2.1 480P
        _shift(3.0),
        50,
        "Wan-Video/Wan2.1, generate.py at 1fea12c3: sample_shift 3 for image to video of 832 x 480",
        f"{DIFFUSERS}, WanPipeline: flow_shift 3 for 480P, UniPC",
        grid=UNIPC,
        models=_WAN,
        comfy=_COMFY_WAN,
    ),
    Published(  # Wan 2.2 T2V A14B
        _shift(12.0),
        40,
        "Wan-Video/Wan2.2, wan/configs/wan_t2v_A14B.py: sample_shift 12",
        grid=UNIPC,
        models=_WAN,
        comfy=_COMFY_WAN,
    ),
    Published(  # Wan 2.2 I2V A14B
        _shift(5.0),
        40,
        "Wan-Video/Wan2.2, wan/configs/wan_i2v_A14B.py: sample_shift 5",
        grid=UNIPC,
        models=_WAN,
        comfy=_COMFY_WAN,
    ),
    Published(  # Wan 2.2 TI2V 5B
        _shift(5.0),
        50,
        "Wan-Video/Wan2.2, wan/configs/wan_ti2v_5B.py: sample_shift 5",
        grid=UNIPC,
        models=("WAN22_T2V",),
        pixels=16,
        comfy=_COMFY_WAN,
    ),
)
FACTS: Mapping[str, Published] = dict(zip(PUBLISHED, _ROWS, strict=True))
