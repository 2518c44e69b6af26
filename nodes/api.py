"""The one place that imports ComfyUI's V3 node API.

v0_0_2 is the versioned name its maintainers ask packs to use; it holds the same objects as `latest`.
"""

from comfy_api.v0_0_2 import ComfyExtension, io, ui

__all__ = ["ComfyExtension", "io", "ui"]
