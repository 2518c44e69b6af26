"""The terminal: what is printed there steers nothing, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.segment import Segment

from ..nodes.text.printable import printable


class PlainConsole(Console):
    """A console that prints the signs that steer a terminal instead of sending them, but for those of rich."""

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """As rich's, with every text made printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))
