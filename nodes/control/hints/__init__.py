"""What every guide does with a hint before it acts: fitted, checked, with a mask at its place.

- comfy_hints.py  the hint and its mask
- log.py          warnings, each once in one run of a graph
"""
