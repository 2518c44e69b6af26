"""Where a ComfyUI is reached, and how long it may be silent. Standard library only."""

from __future__ import annotations

DEFAULT_PORT = 8188  # of a ComfyUI that is started without one
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"
PATIENCE_S = 60.0


def full_url(text: str) -> str:
    """The address of a server as the user writes it, such as `192.168.1.5:8188`, as a URL."""
    return (text if "://" in text else f"http://{text}").rstrip("/")
