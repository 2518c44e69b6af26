"""How noise enters a picture: schedules to sample with, charts of them, and the forward process as filmstrips.

- schedule.py   a noise schedule from one of diffusers' schedulers, as the sigmas a ComfyUI sampler steps through
- published/    schedules as the authors of each model publish them
- process.py    what a sigma means for a kind of model: signal-to-noise ratio, alpha_bar, timestep
- plot.py       several schedules on one chart (plot_axis.py: its vertical scale)
- forward.py    the noised versions of a picture
- reverse.py    what a sampler's model sees at each step
- filmstrip.py  frames in rows with captions
- comfy_process.py  a ComfyUI MODEL's noise, latents noised its way, sampling that is watched
- choices.py    names and limits that the schemas show
- nodes.py      the list of nodes; they are declared in *_nodes.py by subject, their shared inputs in inputs.py
"""
