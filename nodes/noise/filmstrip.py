"""Frames side by side with captions: the filmstrip of a forward or reverse process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..text.fonts import Font, embedded_font

MAX_WIDTH = 8192  # pixels of a row when the number of columns is left to the layout


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels: of a column, between frames. columns: frames in a row; lines: of a caption."""

    cell: int
    gap: int
    columns: int
    font: Font
    lines: int

    @property
    def caption(self) -> int:
        """The height of a caption."""
        return 0 if self.lines == 0 else round(self.font.size * (1.1 + 1.3 * self.lines))


def filmstrip(
    rows: Sequence[torch.Tensor], captions: Sequence[Sequence[str]] | None, columns: int = 0, dark: bool = False
) -> torch.Tensor:
    """One IMAGE [1, H', W', 3] in 0..1 of several strips below each other.

    rows: for each picture its frames [F, H, W, C >= 1]; each begins a new row. captions: for each frame the parts of
    its caption, on one line where the frame is wide enough. columns: frames in a row; 0: as many as fit MAX_WIDTH.
    """
    frames, height, width = rows[0].shape[:3]
    layout = _layout(width, frames, captions, columns)
    lines = -(-frames // layout.columns)
    step_x, step_y = layout.cell + layout.gap, height + layout.caption + layout.gap
    size = (layout.gap + layout.columns * step_x, layout.gap + len(rows) * lines * step_y)
    ink, paper = ("#f0f2f4", "#16181d") if dark else ("#1f2328", "#ffffff")
    sheet = Image.new("RGB", size, paper)
    pen = ImageDraw.Draw(sheet)
    for r, row in enumerate(rows):
        for i, frame in enumerate(row):
            x = layout.gap + (i % layout.columns) * step_x
            y = layout.gap + (r * lines + i // layout.columns) * step_y
            sheet.paste(_picture(frame), (x + (layout.cell - width) // 2, y))
            for k, text in enumerate(_wrap(captions[i], layout.font, layout.cell) if captions else []):
                place = (x + layout.cell / 2, y + height + layout.font.size * (1.1 + 1.3 * k))
                pen.text(place, text, fill=ink, font=layout.font, anchor="mm")
    return torch.from_numpy(np.asarray(sheet, dtype=np.float32) / 255.0)[None]


def _layout(width: int, frames: int, captions: Sequence[Sequence[str]] | None, columns: int) -> _Layout:
    font = embedded_font(min(48, max(12, round(width / 15))))
    cell, lines = width, 0
    if captions:
        cell = max(width, *(int(font.getlength(part)) + 2 for parts in captions for part in parts))
        lines = max(len(_wrap(parts, font, cell)) for parts in captions)
    gap = max(4, round(width / 40))
    fitting = max(1, (MAX_WIDTH - gap) // (cell + gap))
    return _Layout(cell, gap, min(frames, columns or fitting), font, lines)


def _wrap(parts: Sequence[str], font: Font, width: int) -> list[str]:
    """The parts joined by commas, on as few lines as the width allows."""
    lines: list[str] = []
    for part in parts:
        joined = f"{lines[-1]}, {part}" if lines else part
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
        else:
            lines.append(part)
    return lines


def _picture(frame: torch.Tensor) -> Image.Image:
    colours = frame[..., :3] if frame.shape[-1] >= 3 else frame[..., :1].expand(*frame.shape[:2], 3)
    return Image.fromarray((colours.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8).cpu().numpy())
