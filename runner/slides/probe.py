"""Looks into a slide that has run: pictures and texts of any output, from a second prompt.

That prompt is the slide's own with a preview of each output. ComfyUI has the rest of it in its cache.
"""

from __future__ import annotations

import copy
import io
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from ...workflows.source.measure import Link, Outputs
from ..comfyui.client import ComfyClient
from ..workflow.prompt import Prompt, find_nodes


class ClientProbe:
    """The Probe of workflows/source/measure.py, which says what the methods do, on a running ComfyUI."""

    def __init__(self, client: ComfyClient, prompt: Prompt) -> None:
        self.client, self.prompt = client, copy.deepcopy(prompt)

    def node(self, title: str) -> str:
        """The id of the first node with that title, kind or id."""
        return self.nodes(title)[0]

    def nodes(self, title: str) -> list[str]:
        """The ids of all nodes with that title, kind or id."""
        return find_nodes(self.prompt, title)

    def output(self, title: str, number: int = 0) -> Link:
        """An output of the first node with that title, kind or id."""
        return [self.node(title), number]

    def inputs(self, title: str) -> dict[str, Any]:
        """The widget values and links of the first node with that title, kind or id."""
        return dict(self.prompt[self.node(title)]["inputs"])

    def add(self, kind: str, **inputs: Any) -> str:
        """Add a node under an id that no other node has; returns the id."""
        node_id = next(name for i in itertools.count() if (name := f"measure-{i}") not in self.prompt)
        self.prompt[node_id] = {"class_type": kind, "inputs": inputs}
        return node_id

    def run(self, pictures: Mapping[str, Link], texts: Mapping[str, Link] | None = None) -> Outputs:
        """Run the prompt with a preview of each of these outputs.

        Raises:
            QueueError: the prompt does not run to its end, or a picture of it cannot be fetched.
        """
        picture_nodes = {name: self.add("PreviewImage", images=link) for name, link in pictures.items()}
        text_nodes = {name: self.add("PreviewAny", source=link) for name, link in (texts or {}).items()}
        outcome = self.client.run(self.prompt)
        files = {
            name: [self.client.fetch(picture) for picture in outcome.pictures if picture.node_id == node_id]
            for name, node_id in picture_nodes.items()
        }
        return Outputs(
            {name: [np.asarray(Image.open(io.BytesIO(each)).convert("RGB")) for each in files[name]] for name in files},
            {name: outcome.texts.get(node_id, []) for name, node_id in text_nodes.items()},
        )
