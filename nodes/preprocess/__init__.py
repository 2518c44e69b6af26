"""Preprocess: picture -> hint for a ControlNet. The drawing and detecting is done in `preprocessors/`."""
