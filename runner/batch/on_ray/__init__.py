"""Batches on ComfyUIs that Ray starts."""
