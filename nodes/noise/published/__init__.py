"""Schedules as the authors of a model publish them.

- facts.py      the one table: each family's shift, token range, terminal sigma and steps, with source and date
- schedule.py   from a row of the table, a size and a number of steps to sigmas; the report
- blend.py      two schedules mixed
- comfy_published.py  the family of a MODEL, the size of a LATENT, ComfyUI's own schedule beside it
"""
