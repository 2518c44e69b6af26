"""The nodes Contact Sheet and Difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import comfy.utils
import torch

from ..api import fold, io, search_words
from ..text.printable import get_log
from .choices import CATEGORY, MAX_CELL, THEMES
from .load_nodes import open_manifest

if TYPE_CHECKING:
    from .sheet.difference import Change
log = get_log(__name__)


class ContactSheet(io.ComfyNode):
    """Pictures on one labelled sheet: of a list or batch, or of a sweep's folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerContactSheet",
            **search_words("grid", "image grid", "xy plot", "xyz plot", "collage", "compare"),
            display_name="Contact Sheet",
            category=CATEGORY,
            description="Puts all pictures of a list or batch on one labelled sheet, in any language.",
            is_input_list=True,
            inputs=[
                io.Image.Input(
                    "images", optional=True, tooltip="A batch, a list, or a list of batches. Sizes may differ."
                ),
                io.String.Input(
                    "folder",
                    optional=True,
                    force_input=True,
                    tooltip="The folder of a Sweep, instead of images. Its axes make rows, columns and blocks.",
                ),
                io.String.Input(
                    "labels",
                    optional=True,
                    force_input=True,
                    tooltip="One caption for each picture: a list, or a text with one line for each.",
                ),
                io.String.Input("title", default="", tooltip="A headline above the sheet."),
                io.Int.Input(
                    "columns",
                    default=0,
                    min=0,
                    max=4096,
                    tooltip="Pictures in a row. 0: as many as column_labels, or a nearly square sheet.",
                ),
                fold(
                    io.String.Input(
                        "column_labels",
                        default="",
                        multiline=True,
                        tooltip="A header for each column: one in each line, or a list. It sets the number of columns.",
                    )
                ),
                fold(
                    io.String.Input(
                        "row_labels",
                        default="",
                        multiline=True,
                        tooltip="A header for each row: one in each line, or a list. It sets the number of rows.",
                    )
                ),
                io.Int.Input(
                    "cell_size",
                    default=0,
                    min=0,
                    max=MAX_CELL,
                    tooltip="Scales the long side of every picture to this many pixels. 0: every pixel stays as it is.",
                ),
                fold(io.Int.Input("gap", default=8, min=0, max=512, tooltip="Pixels between pictures.")),
                fold(
                    io.Int.Input(
                        "font_size",
                        default=0,
                        min=0,
                        max=256,
                        tooltip="Height of captions in pixels. Long captions shrink to 70 % of it. 0: fits the "
                        "pictures.",
                    )
                ),
                io.Combo.Input("theme", options=list(THEMES), default=THEMES[0], tooltip="White or dark paper."),
                fold(
                    io.Boolean.Input(
                        "only_differences",
                        default=False,
                        tooltip="Removes the words that all captions have in common at the start or the end. "
                        "Useful for prompts as labels.",
                    )
                ),
                fold(
                    io.Float.Input(
                        "max_megapixels",
                        default=64.0,
                        min=0.1,
                        max=1024.0,
                        step=1.0,
                        tooltip="A larger sheet is refused before it fills the memory: 12 bytes for each pixel.",
                    )
                ),
            ],
            outputs=[io.Image.Output(display_name="sheet", tooltip="The sheet, one picture.")],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: Any = (), **others: Any) -> str:
        """Changes with any folder that was read. A folder always comes by a link: it is None or a list here."""
        from .folder.changes import READ

        return READ.state() if folder != () else ""

    @classmethod
    def execute(
        cls,
        title: list[str],
        columns: list[int],
        column_labels: list[str],
        row_labels: list[str],
        cell_size: list[int],
        gap: list[int],
        font_size: list[int],
        theme: list[str],
        only_differences: list[bool],
        max_megapixels: list[float],
        images: list[torch.Tensor] | None = None,
        folder: list[str] | None = None,
        labels: list[str] | None = None,
    ) -> io.NodeOutput:
        from ..text.fonts import name_letters
        from .sheet.labels import drop_shared_words, read_labels
        from .sheet.layout import Style, draw, lay_out
        from .sheet.pictures import split_images

        if theme[0] not in THEMES:
            raise ValueError(f"theme: '{theme[0]}' is not known. Choose one of: {', '.join(THEMES)}.")
        if (images is None) == (folder is None):
            raise ValueError("images: connect pictures to images or the folder of a Sweep to folder, one of the two.")
        if folder is not None:
            return io.NodeOutput(
                _sheet_of_folder(folder[0], title[0], cell_size[0], gap[0], font_size[0], theme[0], max_megapixels[0])
            )
        assert images is not None
        pictures = split_images(images)
        captions = read_labels(labels, len(pictures))
        if only_differences[0]:
            captions = drop_shared_words(captions)
        style = Style(
            columns=columns[0],
            gap=gap[0],
            cell_size=cell_size[0],
            font_size=font_size[0],
            title=title[0],
            column_labels=tuple(read_labels(column_labels, columns[0] or None)),
            row_labels=tuple(read_labels(row_labels)),
            dark=theme[0] == "dark",
            max_megapixels=max_megapixels[0],
        )
        layout = lay_out([(frame.shape[0], frame.shape[1]) for frame in pictures], captions, style)
        if layout.fonts.missing:
            log.warning(
                "Contact Sheet: no font here has %s; a box is drawn instead. Install a font that has them, such as one "
                "of the Noto Sans family.",
                name_letters(layout.fonts.missing),
            )
        progress = comfy.utils.ProgressBar(len(pictures))
        return io.NodeOutput(draw(layout, pictures, progress.update_absolute))


def _sheet_of_folder(
    folder: str, title: str, cell_size: int, gap: int, font_size: int, theme: str, max_megapixels: float
) -> torch.Tensor:
    from .folder.changes import READ
    from .folder.selection import require_grid
    from .sheet.folder_sheet import draw_folder_sheet

    manifest = open_manifest(folder)
    READ.note(manifest)
    progress = comfy.utils.ProgressBar(len(require_grid(manifest).cells))
    return draw_folder_sheet(
        manifest,
        cell_size,
        max_megapixels,
        title=title,
        gap=gap,
        font_size=font_size,
        dark=theme == "dark",
        step=progress.update_absolute,
    )


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
