"""The nodes of the family Seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..api import io, search_words
from ..choices import AXIS_TYPE
from .choices import COMFYUI, MAX_SEED, MAX_SEEDS, RNGS

CATEGORY = "Steer/Seeds"


class Seeds(io.ComfyNode):
    """Seeds from a short text, as a list and as an axis."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSeeds",
            **search_words("seed list", "variation", "batch seeds"),
            display_name="Seeds",
            category=CATEGORY,
            description="A list of seeds from a short text such as 1-8 or 42, 1000..1040(+10) or random 4 from 7.",
            inputs=[
                io.String.Input(
                    "text",
                    default="1-8",
                    tooltip="Seeds, ranges and draws with commas between them: 42, 1-8, 1000..1040(+10), "
                    f"random 4 from 7. At most {MAX_SEEDS}, each once.",
                )
            ],
            outputs=[
                io.Int.Output(
                    display_name="seeds",
                    is_output_list=True,
                    tooltip="The seeds one by one. Seeded Noise takes the whole list. Other nodes run once for each.",
                ),
                io.Custom(AXIS_TYPE).Output(display_name="axis", tooltip="The seeds as an axis of a sweep."),
                io.Int.Output(display_name="count", tooltip="How many seeds there are."),
                io.String.Output(display_name="text", tooltip="Every seed written out, also the random ones."),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each picture: seed 7."
                ),
            ],
        )

    @classmethod
    def execute(cls, text: str) -> io.NodeOutput:
        from ..axis import seed_axis
        from .text import format_seeds, parse_seeds

        seeds = parse_seeds(text)
        axis = seed_axis(seeds)
        return io.NodeOutput(seeds, axis, len(seeds), format_seeds(seeds), list(axis.labels))


class SeededNoiseNode(io.ComfyNode):
    """NOISE with a seed for each picture, in batches."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerSeededNoise",
            **search_words("random noise", "variation seed", "seed batch"),
            display_name="Seeded Noise",
            category=CATEGORY,
            description="Gives every picture of a batch its own seed: each is the picture that its seed makes alone.",
            is_input_list=True,
            inputs=[
                io.Int.Input(
                    "seeds",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    force_input=True,
                    tooltip="One seed, or the list of the node Seeds: one for each picture.",
                ),
                io.Combo.Input(
                    "rng",
                    options=list(RNGS),
                    default=COMFYUI,
                    tooltip="Whose noise a seed stands for: ComfyUI's, A1111's on an NVIDIA GPU (you "
                    "need no GPU), or diffusers' with a CPU generator for each picture.",
                ),
                io.Int.Input(
                    "variation_seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=False,
                    tooltip="A second seed to move towards: one for all pictures, or a list.",
                ),
                io.Float.Input(
                    "variation_strength",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How far to move. 0 is the seed itself, 1 is the variation seed.",
                ),
                io.Int.Input(
                    "batch_size",
                    default=0,
                    min=0,
                    max=MAX_SEEDS,
                    tooltip="The most pictures to make at once. The others follow in further batches. It "
                    "limits the memory of sampling. 0: all at once.",
                ),
                io.String.Input(
                    "ladder",
                    default="",
                    optional=True,
                    tooltip="Several variation strengths, such as 0-1[5]. Every seed makes a picture at "
                    "each of them. Replaces variation_strength. Empty: off.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    is_output_list=True,
                    tooltip="For SamplerCustomAdvanced or Reverse Diffusion. They run once for each batch.",
                ),
                io.Int.Output(
                    display_name="batch_size",
                    is_output_list=True,
                    tooltip="Pictures in each batch. Connect it to batch_size of Empty Latent Image.",
                ),
                io.String.Output(
                    display_name="labels",
                    is_output_list=True,
                    tooltip="A label for each picture of all batches: seed 7, or seed 7 + 0.25 of 99.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        seeds: list[int],
        rng: list[str],
        variation_seed: list[int],
        variation_strength: list[float],
        batch_size: list[int],
        ladder: Sequence[str] = ("",),
    ) -> io.NodeOutput:
        from .comfy_noise import SeededNoise
        from .ladder import parse_ladder
        from .noise import make_draws, make_ladder, split_batches

        if rng[0] not in RNGS:
            raise ValueError(f"rng: '{rng[0]}' is not known. Choose one of: {', '.join(RNGS)}.")
        if ladder[0].strip():
            draws = make_ladder(make_draws(seeds, variation_seed), parse_ladder(ladder[0]))
        else:
            draws = make_draws(seeds, variation_seed, variation_strength)
        parts = list(split_batches(draws, batch_size[0]))
        noises = [SeededNoise(part, rng[0]) for part in parts]
        return io.NodeOutput(noises, [len(part) for part in parts], [draw.label for draw in draws])


class PerImageStepNoise(io.ComfyNode):
    """A SAMPLER that draws the noise of its steps from the seed of each picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerPerImageStepNoise",
            **search_words("ancestral", "sde", "seed batch"),
            display_name="Per-Image Step Noise",
            category=CATEGORY,
            description="Lets ancestral and SDE samplers draw the noise of each step from each picture's own seed.",
            inputs=[
                io.Sampler.Input("sampler", tooltip="One of ComfyUI's own samplers, for example from KSamplerSelect."),
                io.Noise.Input(
                    "noise", tooltip="The same Seeded Noise that the sampler node gets. Its seeds are used."
                ),
            ],
            outputs=[
                io.Sampler.Output(
                    display_name="per-image sampler",
                    tooltip="The same sampler. Every picture is now what its seed makes alone.",
                )
            ],
        )

    @classmethod
    def execute(cls, sampler: Any, noise: Any) -> io.NodeOutput:
        from .comfy_noise import PerImageSampler, SeededNoise

        if not isinstance(noise, SeededNoise):
            raise ValueError("noise: this noise has no seed for each picture. Connect the node Seeded Noise.")
        return io.NodeOutput(PerImageSampler(sampler, noise))


class RescueSeed(io.ComfyNode):
    """NOISE of one picture of an old batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerRescueSeed",
            **search_words("seed finder", "seed of batch", "variation"),
            display_name="Rescue Seed",
            category=CATEGORY,
            description="The first noise of one picture of an old batch, so that you can make it again "
            "alone. For samplers that draw no noise later (euler, dpmpp_2m, ...).",
            inputs=[
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=MAX_SEED,
                    control_after_generate=False,
                    tooltip="The seed of the old batch, as its pictures record it.",
                ),
                io.Int.Input(
                    "batch_index",
                    default=0,
                    min=0,
                    max=MAX_SEEDS - 1,
                    tooltip="Which picture of the batch, counted from 0.",
                ),
                io.Int.Input(
                    "old_batch_size",
                    default=4,
                    min=1,
                    max=MAX_SEEDS,
                    tooltip="How many pictures the old batch had.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise", tooltip="For SamplerCustomAdvanced, with a latent of batch size 1."
                )
            ],
        )

    @classmethod
    def execute(cls, seed: int, batch_index: int, old_batch_size: int) -> io.NodeOutput:
        from .comfy_noise import RescuedNoise

        return io.NodeOutput(RescuedNoise(seed, batch_index, old_batch_size))
