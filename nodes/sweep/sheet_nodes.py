"""The node Contact Sheet."""

from __future__ import annotations

from typing import Any

import comfy.utils
import torch

from ..api import fold, io, search_words
from ..text.printable import get_log
from .choices import CATEGORY, MAX_CELL, THEMES
from .load_nodes import open_manifest

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
