"""The nodes of the family Prompts."""

from __future__ import annotations

from ..api import io
from .prompt_nodes import PromptSwap, PromptTemplate, TimedSwap

NODES: list[type[io.ComfyNode]] = [PromptSwap, PromptTemplate, TimedSwap]
