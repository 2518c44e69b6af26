"""The node Early Pick."""

from __future__ import annotations

from typing import Any

import torch

from ..api import fold, io, search_words, ui
from .choices import CATEGORY

MAX_BATCH, MAX_STEPS, MAX_CELL = 4096, 10_000, 2048


class EarlyPick(io.ComfyNode):
    """Many seeds for a few steps on a numbered sheet; the chosen ones go on to the end."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerEarlyPick",
            **search_words("seed picker", "preview seeds", "early stopping", "sampler custom", "choose seed"),
            display_name="Early Pick",
            category=CATEGORY,
            description="Samples many seeds for a few steps and shows them. Only those that you pick go on to the end.",
            hidden=[io.Hidden.unique_id, io.Hidden.dynprompt],
            is_output_node=True,
            inputs=[
                io.Noise.Input("noise", tooltip="Seeded Noise with all seeds and batch_size 0."),
                io.Guider.Input("guider", tooltip="As for SamplerCustomAdvanced."),
                io.Sampler.Input(
                    "sampler", tooltip="One of ComfyUI's own. Its step noise comes from each picture's own seed."
                ),
                io.Sigmas.Input("sigmas", tooltip="The whole schedule, as for SamplerCustomAdvanced."),
                io.Latent.Input("latent_image", tooltip="The latent of one picture, or one for each seed."),
                io.Vae.Input("vae", tooltip="For the pictures on the sheet."),
                io.Int.Input(
                    "steps",
                    default=3,
                    min=1,
                    max=MAX_STEPS,
                    tooltip="How many steps every seed makes. The sheet shows the picture that the model expects then.",
                ),
                io.String.Input(
                    "pick",
                    default="",
                    tooltip="The numbers on the sheet that go on: 3, 17, 40 or 1-4. Or 'different 4': the 4 most "
                    "different. Empty: only the sheet.",
                ),
                io.Int.Input(
                    "batch_size",
                    default=1,
                    min=0,
                    max=MAX_BATCH,
                    tooltip="The most pictures to make at once. 1: every picture is that of its seed alone, bit for "
                    "bit. 0: all at once.",
                ),
                fold(
                    io.Int.Input(
                        "cell_size",
                        default=256,
                        min=16,
                        max=MAX_CELL,
                        tooltip="Long side of a picture on the sheet in pixels.",
                    )
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="output", tooltip="The finished pictures. Without a pick, what is behind waits."
                ),
                io.Image.Output(display_name="sheet", tooltip="All seeds after the first steps, numbered."),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each finished picture: 3, seed 12."
                ),
                io.String.Output(
                    display_name="report", tooltip="How many steps were made, against those of all seeds to the end."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        noise: Any,
        guider: Any,
        sampler: Any,
        sigmas: torch.Tensor,
        latent_image: dict[str, Any],
        vae: Any,
        steps: int,
        pick: str,
        batch_size: int,
        cell_size: int,
    ) -> io.NodeOutput:
        from comfy_execution.graph_utils import ExecutionBlocker

        from ..comfy_progress import drop_preview
        from ..seeds.comfy_noise import SeededNoise
        from .pick.choose import read_pick
        from .pick.comfy_pick import PickJob, finish, make_early, open_store
        from .pick.sheet import draw_sheet, write_report

        if not isinstance(noise, SeededNoise):
            raise ValueError("noise: this noise has no seed for each picture. Connect the node Seeded Noise.")
        if vae is None:
            raise ValueError("vae: there is none. The checkpoint may lack one: connect a loader that has it.")
        job = PickJob(noise, guider, sampler, sigmas, latent_image, batch_size, steps)
        if pick.strip():
            read_pick(pick, torch.zeros(len(job.draws), 1))  # a fault in the text shows before any step is made
        store = open_store(job, cls.hidden.unique_id, cls.hidden.dynprompt)
        early = make_early(job, store, vae)
        seeds = [draw.label for draw in job.draws]
        chosen = read_pick(pick, torch.stack([picture.x0 for picture in early])) if pick.strip() else []
        sheet = draw_sheet(early, seeds, chosen, cell_size)
        output: Any = finish(job, early, chosen) if chosen else ExecutionBlocker(None)
        labels: Any = [f"{index + 1}, {seeds[index]}" for index in chosen] or [ExecutionBlocker(None)]
        report = write_report(job, chosen)
        if job.rows:  # something was sampled, so that a live preview is there
            drop_preview()
        return io.NodeOutput(output, sheet, labels, report, ui=ui.PreviewImage(sheet, cls=cls))
