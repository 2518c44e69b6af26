"""How noise enters a picture: schedules to sample with, charts of them, and the forward process as filmstrips.

- schedule.py   a noise schedule from one of diffusers' schedulers, as the sigmas a ComfyUI sampler steps through
- process.py    what a sigma means for a kind of model: signal-to-noise ratio, alpha_bar, timestep
- plot.py       several schedules on one chart (axis.py: scales and ticks, text.py: fonts)
- forward.py    the noised versions of a picture (filmstrip.py: laid out in rows with captions)
- engine.py     dealings with a ComfyUI MODEL
- choices.py    names and limits that the nodes show
- nodes.py      the list of nodes; they are declared in *_nodes.py by subject, their shared inputs in inputs.py
"""
