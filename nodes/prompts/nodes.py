"""The nodes of the family Prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..api import io
from .prompt_nodes import PromptSwap, PromptTemplate, TimedSwap

if TYPE_CHECKING:
    pass

# Tooltips have no braces, bars or at signs: in the label files, which repeat them, these are the frontend's own syntax.


NODES: list[type[io.ComfyNode]] = [PromptSwap, PromptTemplate, TimedSwap]
