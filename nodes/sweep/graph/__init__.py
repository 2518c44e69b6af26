"""Sweep Graph: any graph, cell by cell through ComfyUI's own queue."""
