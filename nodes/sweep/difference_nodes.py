"""The node Difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import comfy.utils
import torch

from ..api import io, search_words
from .choices import CATEGORY

if TYPE_CHECKING:
    from .sheet.difference import Change


class Difference(io.ComfyNode):
    """What changed between pictures and a reference."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerDifference",
            **search_words("compare", "image compare", "diff", "before after"),
            display_name="Difference",
            category=CATEGORY,
            description="Shows what changed against a reference picture: heat maps, numbers, and how "
            "much lies inside a mask.",
            is_input_list=True,
            inputs=[
                io.Image.Input("images", tooltip="The pictures to compare: a batch, a list, or a list of batches."),
                io.Image.Input(
                    "reference",
                    optional=True,
                    tooltip="What to compare with: one picture, or one for each. If it is not connected, "
                    "reference_index is used.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where you wanted the change, such as a Face Mask: one for all pictures, or one for each.",
                ),
                io.String.Input(
                    "labels",
                    optional=True,
                    force_input=True,
                    tooltip="The pictures' names, one for each: a list, or a text with one line for each.",
                ),
                io.Int.Input(
                    "reference_index",
                    default=0,
                    min=0,
                    max=65535,
                    tooltip="Which of the pictures is the reference: 0 is the first. Not used if "
                    "reference is connected.",
                ),
                io.Float.Input(
                    "scale",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="The change that gets the brightest colour; 1 is black to white. 0: chosen from the "
                    "strongest changes, the same for all pictures. The report names it.",
                ),
            ],
            outputs=[
                io.Image.Output(
                    display_name="heat maps",
                    is_output_list=True,
                    tooltip="Black where nothing changed, then purple, red, yellow. One for each picture.",
                ),
                io.Float.Output(
                    display_name="changes",
                    is_output_list=True,
                    tooltip="Mean absolute change of each picture, 0 to 1.",
                ),
                io.Float.Output(
                    display_name="changes inside",
                    is_output_list=True,
                    tooltip="The same inside the mask. Without a mask: of the whole picture.",
                ),
                io.Float.Output(
                    display_name="changes outside",
                    is_output_list=True,
                    tooltip="The same outside the mask. Without a mask: 0.",
                ),
                io.String.Output(
                    display_name="labels",
                    is_output_list=True,
                    tooltip="Name and change of each heat map. Connect them to labels of Contact Sheet.",
                ),
                io.String.Output(display_name="report", tooltip="All of it as text, one picture in each line."),
            ],
        )

    @classmethod
    def execute(
        cls,
        images: list[torch.Tensor],
        reference_index: list[int],
        scale: list[float],
        reference: list[torch.Tensor] | None = None,
        mask: list[torch.Tensor] | None = None,
        labels: list[str] | None = None,
    ) -> io.NodeOutput:
        from ..text.plural import count_things
        from .sheet import difference
        from .sheet.labels import read_labels
        from .sheet.pictures import split_images

        pictures = split_images(images)
        count = len(pictures)
        names = read_labels(labels, count) or [f"picture {i}" for i in range(count)]
        if len(names) != count:
            raise ValueError(f"labels: {len(names)} for {count_things(count, 'picture')}. Give one for each.")
        if reference is not None:
            references = _repeat_for_each(split_images(reference, "reference"), count, "reference")
        elif 0 <= reference_index[0] < count:
            references = [pictures[reference_index[0]]] * count
        else:
            raise ValueError(
                f"reference_index: there is no picture {reference_index[0]} among {count}. Use 0 to {count - 1}."
            )
        masks = (
            None
            if mask is None
            else _repeat_for_each([m for batch in mask for m in _split_masks(batch)], count, "mask")
        )

        progress = comfy.utils.ProgressBar(2 * count)
        maps: list[torch.Tensor] = []
        results: list[Change] = []
        for i, picture in enumerate(pictures):
            maps.append(difference.map_changes(picture, references[i], f"'{names[i]}'"))
            height, width = maps[i].shape
            results.append(difference.measure(maps[i], difference.fit_mask(masks[i], height, width) if masks else None))
            progress.update_absolute(i + 1)
        brightest = scale[0] or difference.choose_scale(maps)
        heat_maps = [difference.draw_heat_map(values, brightest)[None] for values in maps]
        progress.update_absolute(2 * count)
        texts = [
            f"{name}: {difference.describe(result, bool(masks))}" for name, result in zip(names, results, strict=True)
        ]
        return io.NodeOutput(
            heat_maps,
            [result.whole for result in results],
            [(result.inside or 0.0) if masks else result.whole for result in results],
            [result.outside or 0.0 for result in results],
            texts,
            difference.report_changes(texts, results, brightest),
        )


def _split_masks(batch: torch.Tensor) -> list[torch.Tensor]:
    """The masks [h, w] of a MASK [B, h, w], or of one [h, w] or [B, 1, h, w] as some nodes make."""
    if batch.ndim < 2 or batch.numel() == 0:
        raise ValueError(f"mask: it has shape {tuple(batch.shape)}, not [B, H, W].")
    return list(batch.reshape(-1, *batch.shape[-2:]))


def _repeat_for_each(tensors: Sequence[torch.Tensor], count: int, name: str) -> list[torch.Tensor]:
    """One tensor for each of `count` pictures. Raises ValueError unless there is one for all or one for each."""
    from ..text.plural import count_things

    if len(tensors) not in (1, count):
        raise ValueError(
            f"{name}: {len(tensors)} for {count_things(count, 'picture')}. Give one for all, or one for each."
        )
    return list(tensors) * (count // len(tensors))
