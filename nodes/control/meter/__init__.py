"""Control Meter: how much each control adds to what the model computes by itself.

- readings.py       sums of squares by control, step and layer, and what they say in words
- residuals.py      tensors that note what they are added to
- plot.py           the chart
- comfy_meter.py    controls and model patches of a GUIDER that take readings while it samples
"""
