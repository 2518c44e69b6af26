"""The family Control: what a ControlNet gets, where it acts, how strongly and when.

- stack.py          one ControlNet with its hint and settings; several are a stack, which Sweep takes
- modes.py          how strength falls over the residuals: balanced, prompt, control
- masks.py          where a ControlNet acts, feathered
- fit.py            a hint of another size or shape, or drawn from poses and lines
- hint_check.py     whether the net was made for such a hint
- families.py       which model family a net belongs to, and file names upstream
- union.py          which kind of hint a union net gets
- comfy_control.py  stacks on CONDITIONING, by ComfyUI's own control objects
- comfy_guide.py    what ControlNet Guide does
- face.py           masks of faces and of their parts
- comfy_face.py     what Face Mask does
- hints/            the hint and its mask, fitted and checked, for every guide
- steps/            strengths by step
- patches/          controls that come as model patches
- reference/        hints for edit models
- choices.py        names that the nodes show
- guide_nodes.py, face_nodes.py  the nodes; nodes.py lists them
"""
