"""The M-LSD node in ComfyUI's executor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from huggingface_hub import constants
from skimage.data import astronaut
from steer.nodes.control.fit import fit_picture
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.recognise import EDGES, LINES, Look, recognise_exact

DATA = Path(__file__).resolve().parent / "data" / "mlsd"
DEFAULTS = {
    "detector": "mlsd",
    "score_threshold": 0.1,
    "distance_threshold": 0.1,
    "detect_resolution": 512,
    "resolution": 0,
    "fit": "crop",
    "download": False,
}
QUICK = DEFAULTS | {"detect_resolution": 192}


def as_bytes(hint: torch.Tensor) -> np.ndarray:
    return (hint.numpy() * 255).round().astype(np.uint8)


@pytest.fixture(scope="module")
def room() -> torch.Tensor:
    pixels = cv2.imread(str(DATA / "room3.png"))[..., ::-1].copy()
    return torch.from_numpy(pixels)[None].float() / 255


def test_the_hint_is_drawn_from_the_returned_lines_at_the_size_asked_for(comfy, room: torch.Tensor):
    hint, lines, report = comfy.call("SteerMLSD", image=room, **DEFAULTS)
    assert hint.shape == (1, 512, 512, 3)
    assert hint.dtype == torch.float32
    with np.load(DATA / "lines.npz") as file:
        assert len(lines[0].segments) == len(file["room3"])
    assert report == f"{len(lines[0].segments)} lines"
    hint, lines, _ = comfy.call("SteerMLSD", image=room, **DEFAULTS | {"resolution": 1000})
    assert hint.shape == (1, 1000, 1000, 3)
    drawn = draw_lines(lines[0].segments, 1000, 1000)
    assert np.array_equal((hint[0].numpy() * 255).astype(np.uint8), drawn)
    assert set(np.unique(drawn)) == {0, 255}


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_latent_gives_the_size_and_fit_the_place(comfy, room: torch.Tensor, fit: str):
    plain = comfy.call("SteerMLSD", image=room, **QUICK)[1][0].segments
    latent = {"samples": torch.zeros(1, 4, 96, 64) if fit != "stretch" else torch.zeros(1, 4, 128, 64)}
    hint, lines, _ = comfy.call("SteerMLSD", image=room, latent=latent, **QUICK | {"fit": fit})
    height, width = latent["samples"].shape[2] * 8, 512
    assert hint.shape == (1, height, width, 3)
    scale = {"crop": (1.5, 1.5), "pad": (1, 1), "stretch": (1, 2)}[fit]
    offset = {"crop": (-128, 0), "pad": (0, 128), "stretch": (0, 0)}[fit]
    expected = plain * np.array([*scale, *scale]) + np.array([*offset, *offset])
    expected = expected[[draw_lines(line[None], height, width).any() for line in expected]]
    assert np.allclose(lines[0].segments, expected)
    assert len(lines[0].scores) == len(expected)
    assert (len(expected) < len(plain)) == (fit == "crop"), "lines that are cut off are not counted"


def test_networks_are_loaded_once_and_counted_by_comfyui(comfy, room: torch.Tensor):
    import comfy.model_management as management
    from steer.nodes.preprocess import comfy_networks

    comfy.call("SteerMLSD", image=room, **QUICK)
    first = comfy_networks.CACHE.get("mlsd", lambda: pytest.fail("it was built again"))
    assert any(loaded.model is first for loaded in management.current_loaded_models)
    management.unload_all_models()
    assert not any(loaded.model is first for loaded in management.current_loaded_models)
    hint, _, _ = comfy.call("SteerMLSD", image=room, **QUICK)
    assert hint.any()
    assert comfy_networks.CACHE.get("mlsd", lambda: pytest.fail("it was built again")) is first


def test_the_cache_is_bounded():
    from steer.nodes.preprocess.comfy_networks import DetectorCache

    cache = DetectorCache(2)
    a = cache.get("a", lambda: torch.nn.Linear(1, 1))
    cache.get("b", lambda: torch.nn.Linear(1, 1))
    assert cache.get("a", lambda: pytest.fail("built again")) is a
    cache.get("c", lambda: torch.nn.Linear(1, 1))
    assert cache.get("a", lambda: pytest.fail("built again")) is a
    built = []
    cache.get("b", lambda: built.append(1) or torch.nn.Linear(1, 1))
    assert built == [1]


def test_a_hint_passes_through_with_a_note(comfy, room: torch.Tensor):
    hint, _, _ = comfy.call("SteerMLSD", image=room, **DEFAULTS)
    again, lines, report = comfy.call("SteerMLSD", image=hint, **DEFAULTS)
    assert torch.equal(again, hint)
    assert report == "passed on as it is: this is a line hint already"
    assert np.array_equal(draw_lines(lines[0].segments, 512, 512), as_bytes(hint[0])), "its lines can be drawn again"


def test_reference_lines_and_edges_are_recognised_exactly():
    with np.load(DATA / "lines.npz") as file:
        lines = {name: draw_lines(file[name][:, :4], 512, 512) for name in file}
    edges = [
        np.repeat(cv2.Canny(cv2.imread(str(DATA / f"{name}.png")), 100, 200)[..., None], 3, axis=2)
        for name in lines
        if name != "astronaut"
    ]
    assert [name for name, hint in lines.items() if recognise_exact(hint) != Look(LINES)] == []
    assert all(recognise_exact(hint) == Look(EDGES) for hint in edges)


def test_a_hint_that_was_saved_as_jpeg_is_noticed(comfy, room: torch.Tensor):
    hint, _, _ = comfy.call("SteerMLSD", image=room, **DEFAULTS)
    saved = cv2.imdecode(cv2.imencode(".jpg", as_bytes(hint[0]))[1], cv2.IMREAD_COLOR)
    _, _, report = comfy.call("SteerMLSD", image=torch.from_numpy(saved)[None] / 255, **DEFAULTS)
    assert re.match(r"\d+ lines; this picture looks like the straight lines of M-LSD already", report)


def test_a_hint_whose_lines_are_all_cut_off_is_reported(comfy):
    hint = np.zeros((512, 512, 3), np.uint8)
    cv2.line(hint, (5, 5), (5, 500), (255, 255, 255))
    latent = {"samples": torch.zeros(1, 4, 64, 32)}
    _, _, report = comfy.call("SteerMLSD", image=torch.from_numpy(hint)[None] / 255, latent=latent, **DEFAULTS)
    assert re.match(r"no lines in the hint: \d+ lines? cut off\. Set fit to pad", report)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_hint_of_another_size_is_redrawn_and_says_so(comfy, room: torch.Tensor, fit: str):
    hint, _, _ = comfy.call("SteerMLSD", image=room, **DEFAULTS)
    latent = {"samples": torch.zeros(1, 4, 96, 64)}
    larger, lines, report = comfy.call("SteerMLSD", image=hint, latent=latent, **DEFAULTS | {"fit": fit})
    assert report == "brought from 512x512 to 512x768, its lines redrawn: this is a line hint already"
    assert torch.equal(larger, fit_picture(hint, (768, 512), fit)[0]), "as ControlNet Guide brings it there"
    differs = draw_lines(lines[0].segments, 768, 512) != as_bytes(larger[0])
    assert differs[1:-1, 1:-1].sum() == 0, "at the border, half a pixel may count as inside"


def test_edges_are_no_line_hint(comfy):
    edges = cv2.Canny(astronaut(), 100, 200)
    image = torch.from_numpy(np.repeat(edges[None, ..., None], 3, axis=3)).float() / 255
    _, _, report = comfy.call("SteerMLSD", image=image, **QUICK)
    assert "already" not in report
    assert report.endswith("lines")


def test_lines_that_the_fit_cuts_off_are_reported(comfy):
    picture = np.full((512, 512, 3), 200, np.uint8)
    picture[:, :20] = 30
    image = torch.from_numpy(picture)[None].float() / 255
    latent = {"samples": torch.zeros(1, 4, 64, 32)}
    hint, lines, report = comfy.call("SteerMLSD", image=image, latent=latent, **DEFAULTS)
    assert not hint.any()
    assert len(lines[0].segments) == 0
    assert re.match(r"no lines in the hint: \d+ lines? cut off\. Set fit to pad", report)


def test_no_line_is_explained(comfy):
    hint, _, report = comfy.call("SteerMLSD", image=torch.full((1, 64, 64, 3), 0.5), **QUICK)
    assert not hint.any()
    assert "no lines" in report
    assert "score_threshold" in report
    _, _, report = comfy.call(
        "SteerMLSD", image=torch.full((1, 64, 64, 3), 0.5), **QUICK | {"detector": "lsd (no network)"}
    )
    assert "no lines" in report


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"image": torch.full((1, 8, 8, 3), float("nan"))}, "NaN"),
        ({"image": torch.zeros(0, 8, 8, 3)}, "empty"),
        ({"image": torch.zeros(1, 8, 8, 2)}, "channels"),
        ({"detector": "what"}, "unknown"),
        ({"fit": "what"}, "unknown"),
        ({"resolution": 16384, "image": torch.zeros(1, 8, 64, 3)}, "resolution"),
        ({"resolution": 512, "latent": {"samples": torch.zeros(1, 4, 8, 8)}}, "both"),
    ],
)
def test_bad_input_is_refused_plainly(comfy, changes: dict[str, Any], word: str):
    with pytest.raises(ValueError, match=word):
        comfy.call("SteerMLSD", **{"image": torch.zeros(1, 8, 8, 3)} | QUICK | changes)


def test_missing_weights_are_named_at_once(comfy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"mlsd_large_512_fp32.pth") as caught:
        comfy.call("SteerMLSD", image=torch.zeros(1, 8, 8, 3), **QUICK | {"detector": "mlsd (controlnet_aux weights)"})
    assert "models/annotators" in str(caught.value).replace("\\", "/")


def test_frames_report_progress_and_obey_cancel(comfy, room: torch.Tensor):
    from comfy import model_management as management
    from comfy import utils

    frames = room[:, ::8, ::8].repeat(5, 1, 1, 1)
    seen: list[int] = []

    def cancel_at_once(value: int, total: int, preview: Any, **more: Any) -> None:
        seen.append(value)  # newer ComfyUIs send the first one, and then as often as one can see
        if value == 1:
            management.interrupt_current_processing()

    utils.set_progress_bar_global_hook(cancel_at_once)
    try:
        with pytest.raises(management.InterruptProcessingException):
            comfy.call("SteerMLSD", image=frames, **QUICK | {"detect_resolution": 64})
    finally:
        utils.set_progress_bar_global_hook(None)
    assert seen == [1]


def test_the_report_is_shown_on_the_node(comfy, monkeypatch: pytest.MonkeyPatch):
    from browser_texts import listen

    receiver = listen(monkeypatch)
    result = comfy.run(
        {
            "grey": {
                "class_type": "EmptyImage",
                "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0x808080},
            },
            "lines": {"class_type": "SteerMLSD", "inputs": {"image": ["grey", 0], **QUICK}},
            "show": {"class_type": "PreviewAny", "inputs": {"source": ["lines", 2]}},
        }
    )
    assert result.error is None, result.message
    [(node, text)] = receiver.said
    assert node == "lines"
    assert text.startswith("no lines: ")
    assert list(result.outputs["show"]["text"]) == [text], "the output says the same, also after a reload"
