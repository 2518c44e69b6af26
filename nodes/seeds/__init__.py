"""Seeds that can be read, and noise that depends on nothing but its own seed.

- text.py    the little language of seed lists: `1-8`, `42, 1000..1040(+10)`, `random 4 from 7`
- rng.py     the random streams of ComfyUI, A1111 and diffusers, all on the CPU
- noise.py   the noise of a batch, one stream per picture; variations between two seeds
- ladder.py  the strengths of a ladder of variations
- steps.py   which samplers draw noise at every step, and how
- spread.py  how different pictures are, and noise on the conditioning from each picture's own seed
- choices.py names and limits that the schemas show
- comfy_noise.py  NOISE and SAMPLER objects for ComfyUI; comfy_spread.py: CONDITIONING with a row for each picture
- nodes.py   the list of nodes; *_nodes.py declare them
"""
