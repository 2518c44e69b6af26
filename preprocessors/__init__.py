"""Picture -> hint, usable without ComfyUI."""
