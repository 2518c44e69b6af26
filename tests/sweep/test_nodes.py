"""The nodes in a real graph, run by ComfyUI's executor."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

SHEET: dict[str, Any] = {
    "title": "",
    "columns": 0,
    "column_labels": "",
    "row_labels": "",
    "cell_size": 0,
    "gap": 8,
    "font_size": 0,
    "theme": "light",
    "only_differences": False,
    "max_megapixels": 64.0,
}


class Harness:
    """Adds two nodes of the test's own to the real ComfyUI: one that hands out ready lists, one that keeps."""

    def __init__(self, comfy, monkeypatch: pytest.MonkeyPatch) -> None:
        self.comfy = comfy
        self.lists: dict[str, list[Any]] = {}
        self.received: dict[int, list[Any]] = {}
        harness = self

        class Source:
            RETURN_TYPES = ("*",)
            OUTPUT_IS_LIST = (True,)
            FUNCTION = "give"

            @classmethod
            def INPUT_TYPES(cls) -> dict[str, Any]:
                return {"required": {"name": ("STRING",)}}

            def give(self, name: str) -> tuple[list[Any]]:
                return (harness.lists[name],)

        class Keep:
            RETURN_TYPES = ()
            FUNCTION = "keep"
            OUTPUT_NODE = True
            INPUT_IS_LIST = True

            @classmethod
            def INPUT_TYPES(cls) -> dict[str, Any]:
                return {"required": {"value": ("*",), "slot": ("INT",)}}

            @classmethod
            def VALIDATE_INPUTS(cls, input_types: dict[str, str]) -> bool:
                return True

            def keep(self, value: list[Any], slot: list[int]) -> dict[str, Any]:
                harness.received[slot[0]] = value
                return {}

        monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestSource", Source)
        monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestKeep", Keep)

    def run(self, class_type: str, outputs: int = 1, **inputs: Any) -> tuple[Any, list[Any]]:
        """Run one node; list values become lists from upstream. Returns the result and what each output held."""
        self.received.clear()
        result = self.comfy.run(self.prompt(class_type, outputs, **inputs))
        return result, [self.received[i] for i in sorted(self.received)]

    def prompt(self, class_type: str, outputs: int = 1, **inputs: Any) -> dict[str, Any]:
        prompt: dict[str, Any] = {"node": {"class_type": class_type, "inputs": inputs}}
        for name, value in list(inputs.items()):
            if isinstance(value, list):
                key = f"{name} {[v if isinstance(v, str) else (v.shape, v.sum().item()) for v in value]}"
                self.lists[key] = value
                prompt[f"source {name}"] = {"class_type": "TestSource", "inputs": {"name": key}}
                inputs[name] = [f"source {name}", 0]
        for i in range(outputs):
            prompt[f"keep {i}"] = {"class_type": "TestKeep", "inputs": {"value": ["node", i], "slot": i}}
        return prompt

    def sheet(self, **inputs: Any) -> tuple[Any, list[Any]]:
        return self.run("SteerContactSheet", **SHEET | inputs)

    def difference(self, **inputs: Any) -> tuple[Any, list[Any]]:
        return self.run("SteerDifference", outputs=6, **{"reference_index": 0, "scale": 0.0, **inputs})


@pytest.fixture
def graph(comfy, monkeypatch: pytest.MonkeyPatch) -> Harness:
    return Harness(comfy, monkeypatch)


def picture(seed: int, height: int = 64, width: int = 64, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(seed))


def test_a_list_of_batches_becomes_one_sheet_and_a_rerun_does_nothing(graph: Harness):
    from steer.nodes.sweep.sheet.layout import Style, lay_out

    images = [picture(0, batch=2), picture(1, 40, 80), picture(2)]
    labels = ["smiling", "angry", "\uc6c3\ub294 \uc5bc\uad74", "\U0001f600"]
    result, (sheets,) = graph.sheet(images=images, labels=labels)
    assert result.error is None
    assert len(sheets) == 1
    frames = [frame for batch in images for frame in batch]
    layout = lay_out([(f.shape[0], f.shape[1]) for f in frames], labels, Style())
    assert sheets[0].shape == (1, layout.height, layout.width, 3)
    for frame, (x, y, w, h) in zip(frames, layout.boxes, strict=True):
        assert torch.equal(sheets[0][0, y : y + h, x : x + w], frame)
    again, _ = graph.sheet(images=images, labels=labels)
    assert again.executed == []
    changed, _ = graph.sheet(images=images, labels=labels, theme="dark")
    assert set(changed.executed) == {"node", "keep 0"}


def test_labels_may_be_lines_and_headers_lists(graph: Harness):
    images = [picture(0, batch=6)]
    _, (with_lines,) = graph.sheet(images=images, column_labels="a\nb\nc", row_labels="x\ny")
    _, (with_lists,) = graph.sheet(images=images, column_labels=["a", "b", "c"], row_labels=["x", "y"])
    _, (plain,) = graph.sheet(images=images, columns=3)
    assert torch.equal(with_lines[0], with_lists[0])
    assert with_lines[0].shape[1] > plain[0].shape[1]
    assert with_lines[0].shape[2] > plain[0].shape[2]


def test_only_differences_shortens_captions(graph: Harness):
    prompts = [f"gorgeous cute Austrian girl, {mood}, Steel gray hair, backstreet" for mood in ("smiling", "angry")]
    _, (short,) = graph.sheet(images=[picture(0, batch=2)], labels=prompts, only_differences=True)
    _, (words,) = graph.sheet(images=[picture(0, batch=2)], labels=["smiling", "angry"])
    assert torch.equal(short[0], words[0])


def test_letters_without_a_font_are_logged_once(graph: Harness, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        graph.sheet(images=[picture(0, batch=3)], labels=["\U0010fffd a", "b \U0010fffd", "c"])
    messages = [record.message for record in caplog.records if "U+10FFFD" in record.message]
    assert len(messages) == 1
    assert "Noto" in messages[0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"images": [picture(0, batch=4)], "labels": ["a", "b"]}, "labels: 2 for 4 pictures"),
        ({"images": [picture(0)], "theme": "blue"}, "theme: 'blue' "),
        ({"images": [torch.zeros(0, 8, 8, 3)]}, "images: there is no picture"),
        ({"images": [torch.zeros(4, 512, 512, 3)], "max_megapixels": 0.5}, "max_megapixels: 4 pictures"),
    ],
)
def test_sheet_says_what_is_wrong(graph: Harness, inputs: dict[str, Any], message: str):
    assert message in graph.comfy.complaint(graph.prompt("SteerContactSheet", **SHEET | inputs))


def test_difference_against_a_picture_of_the_list(graph: Harness):
    base = picture(0)[0]
    other = base.clone()
    other[:32] = 1.0 - other[:32]
    mask = torch.zeros(1, 64, 64)
    mask[:, :32] = 1.0
    images = [torch.stack([other, base]), base[None]]
    result, (maps, changes, inside, outside, labels, report) = graph.difference(
        images=images, reference_index=1, mask=[mask], labels=["angry", "smiling", "same"]
    )
    assert result.error is None
    expected = (other - base).abs().mean().item()
    assert changes == pytest.approx([expected, 0.0, 0.0])
    assert inside[0] == pytest.approx(2 * expected)
    assert outside == [0.0, 0.0, 0.0]
    assert [tuple(heat.shape) for heat in maps] == [(1, 64, 64, 3)] * 3
    assert maps[0][0, :32].mean() > 0.3
    assert labels[0].startswith("angry: ")
    assert labels[0].endswith(" % at most, only inside the mask")
    assert labels[1:] == ["smiling: no change", "same: no change"]
    assert "on average; inside" in report[0].splitlines()[0]
    assert len(report) == 1
    assert len(report[0].splitlines()) == 4
    again, _ = graph.difference(images=images, reference_index=1, mask=[mask], labels=["angry", "smiling", "same"])
    assert again.executed == []


def test_difference_against_a_reference(graph: Harness):
    images = [picture(0), picture(1)]
    _, (_, changes, *_) = graph.difference(images=images, reference=[picture(0)])
    assert changes[0] == 0.0
    assert changes[1] == pytest.approx(1 / 3, abs=0.02), "two uniform random numbers differ by 1/3"
    _, (maps, changes, *_) = graph.difference(images=images, reference=images, scale=0.5)
    assert changes == [0.0, 0.0]
    assert maps[0].max() < 0.02


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"images": [picture(0)], "reference_index": 1}, "reference_index: there is no picture 1 among 1"),
        ({"images": [picture(0), picture(0, 8, 8)]}, "images: 'picture 1' is 8 x 8"),
        ({"images": [picture(0, batch=3)], "reference": [picture(0, batch=2)]}, "reference: 2 for 3 pictures"),
        ({"images": [picture(0, batch=3)], "mask": [torch.ones(2, 8, 8)]}, "mask: 2 for 3 pictures"),
        ({"images": [picture(0)], "mask": [torch.ones(0, 8, 8)]}, "mask: it has shape"),
        ({"images": [picture(0, batch=2)], "labels": ["a"] * 3}, "labels: 3 for 2 pictures"),
    ],
)
def test_difference_says_what_is_wrong(graph: Harness, inputs: dict[str, Any], message: str):
    result, _ = graph.difference(**inputs)
    assert message in result.message
