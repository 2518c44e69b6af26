"""Workflow files opened as ComfyUI's frontend opens them: sockets, widgets with their values, and what feeds what."""
