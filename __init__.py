"""Steer: methods for getting the picture you asked for. Entry point of the ComfyUI node pack."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .nodes.api import ComfyExtension

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]

WEB_DIRECTORY = "./nodes/web"


async def comfy_entrypoint() -> ComfyExtension:
    """Called once by ComfyUI; returns the extension that lists Steer's nodes."""
    from .nodes.collect import SteerExtension
    from .nodes.comfy_maker import serve_maker
    from .nodes.identity import serve_identity

    serve_identity()
    serve_maker()
    return SteerExtension()
