"""Value Axis: anything but seeds and prompts that a sweep varies."""

from __future__ import annotations

from ..api import io, search_words
from ..choices import AXIS_TYPE
from ..text.printable import get_log
from .choices import CATEGORY, FILES, KINDS

log = get_log(__name__)


class ValueAxis(io.ComfyNode):
    """Values that a Sweep tries one after the other."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="SteerValueAxis",
            **search_words("xyz plot axis", "xy plot", "lora sweep", "cfg sweep", "sampler compare", "clip skip"),
            display_name="Value Axis",
            category=CATEGORY,
            description="Values that a Sweep tries one after the other: cfg, steps, samplers, checkpoints, LoRAs... "
            "For a Sweep Graph also numbers and texts for any widget.",
            inputs=[
                io.Combo.Input("kind", options=list(KINDS), default=KINDS[0], tooltip="What changes."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default="4, 6.5, 8",
                    tooltip="Write one in each line, or put commas between them. Ranges: 1-10(+2) or 0.2-0.8[4] "
                    "for four values. A LoRA with its strength: name.safetensors : 0.8, "
                    "or none; several LoRAs at once with + between them. Text encoders of one "
                    "model: clip_l.safetensors + t5xxl.safetensors : flux. Text: anything, one value in each line.",
                ),
            ],
            outputs=[
                io.Custom(AXIS_TYPE).Output(
                    display_name="axis", tooltip="For axis_1 to axis_4 of Sweep, or for a Sweep Value."
                ),
                io.String.Output(
                    display_name="labels", is_output_list=True, tooltip="A label for each value, as on the sheet."
                ),
                io.Int.Output(display_name="count", tooltip="How many values there are."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, kind: str | None = None, text: str | None = None) -> str:
        """Changes with the files that the values name, so that a Sweep makes their cells again."""
        from ..axis import files_of
        from .plan.comfy_model_files import identify_file, list_names
        from .plan.values import read_values

        if kind not in FILES or text is None:
            return ""
        try:
            values = read_values(kind, text, list_names).values
        except ValueError:  # execute says what is wrong
            return ""
        return "; ".join(str(identify_file(name)) for name in files_of(values))

    @classmethod
    def execute(cls, kind: str, text: str) -> io.NodeOutput:
        from ..comfy_progress import show_text
        from .plan.comfy_model_files import list_names
        from .plan.values import note_commas, read_values

        axis = read_values(kind, text, list_names)
        if note := note_commas(kind, text):
            log.warning("Value Axis: %s", note)
            show_text(note)
        return io.NodeOutput(axis, list(axis.labels), len(axis))
