"""Names that the family's schemas show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

CATEGORY = "Steer/Control"
# The socket type of strengths by step (steps/strengths.py).
STEPS_TYPE = "STEER_CONTROL_STEPS"
MODES = ("balanced", "prompt", "control")
# What a ControlNet is made for. auto: its file name says; any: no check of the hint.
AUTO, ANY = "auto", "any"
NETS = CANNY, MLSD, OPENPOSE = ("canny", "mlsd", "openpose")
# Those whose hints other packs make, by the words of union nets.
OTHER_NETS = DEPTH, SOFT, NORMAL, SEGMENT, TILE, REPAINT, BLUR, GRAY, LOW_QUALITY = (
    "depth",
    "scribble or soft edges",
    "normal",
    "segment",
    "tile",
    "repaint",
    "blur",
    "gray",
    "low quality",
)
KINDS = (AUTO, *NETS, ANY, *OTHER_NETS)
# What of a face a mask covers, and which faces.
REGIONS = WHOLE, EXPRESSION, MOUTH, EYES = ("whole face", "mouth, brows and eyes", "mouth", "brows and eyes")
ALL = "all"
