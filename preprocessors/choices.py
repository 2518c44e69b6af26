"""Names and limits that the schemas of nodes show, apart from the logic: loading the pack needs only them."""

from __future__ import annotations

MAX_SIDE = 16384  # ComfyUI's own limit for a picture's side
MAX_GRADIENT = 1530  # of Canny, the largest |dx| + |dy| of Sobel 3x3 on bytes: 6 * 255
# How a hint meets a canvas of another shape.
FITS = ("crop", "pad", "stretch")
# detectors.py says what each name stands for.
MEDIAPIPE, OPENPOSE, DWPOSE = POSE_DETECTORS = ("mediapipe", "openpose (non-commercial)", "dwpose")
