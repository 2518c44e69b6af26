"""Value Axis: anything but seeds and prompts that a sweep varies."""

from __future__ import annotations

from ..api import io
from ..choices import AXIS_TYPE
from .choices import CATEGORY, KINDS


class ValueAxis(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerValueAxis",
            display_name="Value Axis",
            category=CATEGORY,
            description="Values that a Sweep tries one after the other: cfg, steps, samplers, checkpoints, LoRAs...",
            inputs=[
                io.Combo.Input("kind", options=list(KINDS), default=KINDS[0], tooltip="What varies."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="4, 6.5, 8",
                    tooltip="Numbers and ranges: 4, 6.5, 8 or 1-10(+2) or 0.2-0.8[4] for four of them. Names one a "
                    "line, a LoRA with its strength: name.safetensors : 0.8, or none.",
                ),
            ],
            outputs=[
                io.Custom(AXIS_TYPE).Output(display_name="axis", tooltip="For axis_1 to axis_4 of Sweep."),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each value, as on the sheet."
                ),
                io.Int.Output(display_name="count", tooltip="How many values there are."),
            ],
        )

    @classmethod
    def execute(cls, kind: str, text: str) -> io.NodeOutput:  # pyright: ignore[reportIncompatibleMethodOverride]
        from .engine import known_names
        from .values import read_values

        axis = read_values(kind, text, known_names)
        return io.NodeOutput(axis, list(axis.labels), len(axis))
