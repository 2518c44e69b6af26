"""Names that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

CATEGORY = "Steer/Control"
MODES = ("balanced", "prompt", "control")
# What a ControlNet is made for. auto: its file name tells; any: no check of the hint.
AUTO, ANY = "auto", "any"
NETS = CANNY, MLSD, OPENPOSE = ("canny", "mlsd", "openpose")
KINDS = (AUTO, *NETS, ANY)
