"""Prompts of which one word changes, from picture to picture or in the middle of one.

- comments.py     prompt text without ComfyUI's comments, and errors that point at a character
- swap.py         words found in a prompt and replaced by others
- template.py     `[[slots]]` filled from lists
- timed_parse.py  the grammar of `[smiling:angry:0.4]` and `[a|b]`
- timed.py        which prompt belongs to which step, and the boundaries between two sigmas
- dial.py         how much of a word: conditioning between two prompts and beyond
- choices.py      names that the schemas show
- comfy_conditioning.py  CONDITIONING for ComfyUI's samplers
- nodes.py        the list of nodes; prompt_nodes.py and dial_nodes.py declare them
"""
