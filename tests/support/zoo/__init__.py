"""Tiny nets of ComfyUI's own classes, one for each family of models that artists use.

Weights are random and the same in every run. Depth and widths inside are toy-sized. What a net shares with others has
its published size: the widths of prompts and pooled prompts, the channels of latents, the layout.

- weights.py    random weights
- families.py   a MODEL of each family, with prompts and latents that fit
- encoders.py   CLIP-L, CLIP-G, T5 and Qwen
- vaes.py       stand-ins for VAEs
- controls.py   CONTROL_NETs of each kind
- patches.py    MODEL_PATCHes of each kind that the ComfyUI at hand has
- bench.py     a net under Steer's guide and under ComfyUI's own node
- runs.py       sampling, seen from inside
"""
