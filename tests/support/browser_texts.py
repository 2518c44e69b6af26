"""What ComfyUI tells a browser about its nodes, without one."""

from __future__ import annotations

from typing import Any

import pytest


class Receiver:
    """In the place of the running server: keeps (node, text) of every line below a node.

    client_id: of the browser that queued the prompt; None where nobody listens.
    """

    def __init__(self) -> None:
        self.client_id: str | None = "browser"
        self.said: list[tuple[str, str]] = []

    def send_progress_text(self, text: str, node_id: str, sid: str | None) -> None:
        """Keep a line."""
        assert sid == self.client_id, "only the browser that queued it"
        self.said.append((node_id, text))

    def send_sync(self, event: str, data: Any, sid: str | None) -> None:
        """Take a live preview away."""
        assert (event, sid) == ("progress_state", self.client_id)


def listen(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """Put a Receiver in the place of the server."""
    import server

    receiver = Receiver()
    monkeypatch.setattr(server.PromptServer, "instance", receiver, raising=False)
    return receiver
