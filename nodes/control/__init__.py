"""The family Control: what a ControlNet is told, where, how strongly and when.

- stack.py        what one ControlNet is told; several are a stack, which Sweep takes
- modes.py        how strength falls over the residuals: balanced, prompt, control
- masks.py        where a ControlNet acts, feathered
- fit.py          a hint of another size or shape, or drawn anew from poses and lines
- hints.py        what a hint looks like, and whether the net was made for it
- families.py     which model family a net belongs to, and file names upstream
- union.py        which kind of hint a union net is told
- engine.py       stacks on CONDITIONING, by ComfyUI's own control objects
- guide_engine.py what ControlNet Guide does
- face.py         masks of faces and of their parts
- face_engine.py  what Face Mask does
- choices.py      names that the nodes show
- nodes.py, face_nodes.py  the nodes
"""
