"""MODEL_PATCHes as controls: nets that act inside the model, as those of Qwen-Image and Z-Image do.

- kinds.py          what a MODEL_PATCH is, and whether it fits a MODEL, by their layout
- comfy_patch.py    a hint in ComfyUI's own patch objects, and the window in which they act
- comfy_patch_guide.py  what Model Patch Guide does
- comfy_file.py     a LoRA in the place of a patch, seen before it is loaded
- patch_nodes.py    the node
"""
