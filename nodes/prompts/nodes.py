"""The nodes of the family Prompts."""

from __future__ import annotations

from ..api import io
from .dial_nodes import ExpressionDial
from .prompt_nodes import PromptSwap, PromptTemplate, TimedSwap

NODES: list[type[io.ComfyNode]] = [PromptSwap, PromptTemplate, TimedSwap, ExpressionDial]
