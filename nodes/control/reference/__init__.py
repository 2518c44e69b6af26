"""Hints for edit models: a picture beside the one that is made, as a reference latent.

- comfy_reference.py  what Reference Hint does
- reference_nodes.py  the node
"""
