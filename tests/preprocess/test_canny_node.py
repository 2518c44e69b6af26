"""The Canny node in ComfyUI's executor."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from steer.nodes.control.fit import fit_picture
from steer.preprocessors.lines.draw import draw_lines

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = {"low_threshold": 100, "high_threshold": 200, "auto": False, "resolution": 0}


@pytest.fixture
def picture(comfy) -> np.ndarray:
    """A picture in ComfyUI's input folder, as astronaut.png."""
    import folder_paths

    pixels = data.astronaut()
    folder = Path(folder_paths.get_input_directory())
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(folder / "astronaut.png")
    return pixels


def workflow(**changes: Any) -> dict[str, Any]:
    return {
        "load": {"class_type": "LoadImage", "inputs": {"image": "astronaut.png"}},
        "canny": {"class_type": "SteerCanny", "inputs": {"image": ["load", 0], **DEFAULTS, **changes}},
        "invert": {"class_type": "ImageInvert", "inputs": {"image": ["canny", 0]}},
        "text": {"class_type": "PreviewAny", "inputs": {"source": ["canny", 1]}},
        "preview": {"class_type": "PreviewImage", "inputs": {"images": ["invert", 0]}},
    }


def read_preview(outputs: dict[str, Any]) -> np.ndarray:
    import folder_paths

    entry = outputs["preview"]["images"][0]
    return np.asarray(Image.open(Path(folder_paths.get_temp_directory()) / entry["subfolder"] / entry["filename"]))


def test_a_loaded_png_becomes_exactly_cv2s_edges(comfy, picture: np.ndarray):
    result = comfy.run(workflow())
    assert result.error is None, result.message
    assert np.array_equal(255 - read_preview(result.outputs)[..., 0], cv2.Canny(picture, 100, 200))
    assert result.outputs["text"]["text"] == ["low 100, high 200"]


def test_an_unchanged_rerun_executes_nothing_and_a_threshold_only_what_follows(comfy, picture: np.ndarray):
    assert set(comfy.run(workflow()).executed) == {"load", "canny", "invert", "text", "preview"}
    again = comfy.run(workflow())
    assert again.executed == []
    changed = comfy.run(workflow(low_threshold=60))
    assert set(changed.executed) == {"canny", "invert", "text", "preview"}
    assert np.array_equal(255 - read_preview(changed.outputs)[..., 0], cv2.Canny(picture, 60, 200))


def test_auto_says_what_it_chose(comfy, picture: np.ndarray):
    result = comfy.run(workflow(auto=True, low_threshold=1000))
    assert result.error is None, result.message
    low, high = (int(part.split()[1]) for part in result.outputs["text"]["text"][0].split(", "))
    assert np.array_equal(255 - read_preview(result.outputs)[..., 0], cv2.Canny(picture, low, high))


def test_the_report_warns_of_no_edges_and_of_hints(comfy, caplog: pytest.LogCaptureFixture):
    photograph = torch.from_numpy(data.astronaut().astype(np.float32) / 255)
    edges = comfy.call("SteerCanny", image=photograph[None], **DEFAULTS)[0][0]
    grey = torch.full_like(photograph, 0.5)
    ends = np.random.default_rng(0).uniform(0, 512, (20, 4))
    lines = torch.from_numpy(draw_lines(ends, 512, 512)).float() / 255
    with caplog.at_level("WARNING"):
        report = comfy.call("SteerCanny", image=torch.stack([photograph, grey, lines]), **DEFAULTS)[2].splitlines()
    assert report[0] == f"picture 1: {float(edges.mean()):.1%} of the picture is edges"
    assert report[1] == "picture 2: no edges: lower both thresholds, or turn on auto"
    assert report[2].endswith("straight lines of M-LSD already: connect it to ControlNet Guide as it is")
    assert [record.getMessage()[:16] for record in caplog.records] == ["Canny, picture 2", "Canny, picture 3"]


def test_its_own_hint_passes_through_with_a_note(comfy):
    photograph = torch.from_numpy(data.astronaut().astype(np.float32) / 255)
    edges = comfy.call("SteerCanny", image=photograph[None], **DEFAULTS)[0][0]
    both = torch.stack([edges, photograph])
    hint, thresholds, report = comfy.call("SteerCanny", image=both, **DEFAULTS)
    assert torch.equal(hint, torch.stack([edges, edges]))
    assert thresholds == "picture 1: none\npicture 2: low 100, high 200"
    assert report.splitlines()[0] == "picture 1: passed on as it is: this is a Canny hint already"
    larger, _, report = comfy.call("SteerCanny", image=edges[None], **DEFAULTS | {"resolution": 768})
    assert report == "brought from 512x512 to 768x768, its lines redrawn: this is a Canny hint already"
    assert torch.equal(larger, fit_picture(edges[None], (768, 768), "stretch")[0]), (
        "as ControlNet Guide brings it there"
    )


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_a_latent_gives_the_size_and_fit_the_place(comfy, fit: str):
    photograph = data.astronaut()
    latent = {"samples": torch.zeros(1, 4, 48, 96)}  # 768 x 384
    image = torch.from_numpy(photograph.astype(np.float32) / 255)[None]
    hint, _, _ = comfy.call("SteerCanny", image=image, fit=fit, latent=latent, **DEFAULTS)
    cropped = photograph[128:384] if fit == "crop" else photograph
    inner = (384, 384) if fit == "pad" else (768, 384)
    small = cv2.resize(cropped, inner, interpolation=cv2.INTER_AREA if fit == "pad" else cv2.INTER_LANCZOS4)
    expected = np.zeros((384, 768), np.uint8)
    left = (768 - inner[0]) // 2
    expected[:, left : left + inner[0]] = cv2.Canny(small, 100, 200)
    assert torch.equal(hint[0], torch.from_numpy(np.repeat(expected[..., None], 3, axis=2) / 255).float())
    again, _, report = comfy.call(
        "SteerCanny", image=hint, latent={"samples": torch.zeros(1, 4, 64, 64)}, fit=fit, **DEFAULTS
    )
    assert report.startswith("brought from 768x384 to 512x512, its lines redrawn")
    assert torch.equal(again, fit_picture(hint, (512, 512), fit)[0]), "as ControlNet Guide brings it there"
    with pytest.raises(ValueError, match="resolution: 256 and a latent are both given"):
        comfy.call("SteerCanny", image=image, latent=latent, **DEFAULTS | {"resolution": 256})


def test_bad_input_is_an_error_of_this_node_and_the_next_prompt_runs(comfy, picture: np.ndarray):
    failed = comfy.run(workflow(low_threshold=300))
    assert failed.error is not None
    assert failed.error["node_id"] == "canny"
    assert failed.message.startswith("low_threshold: 300 is above high_threshold 200.")
    assert comfy.run(workflow()).error is None


@pytest.mark.parametrize(
    ("name", "value"), [("low_threshold", -1), ("high_threshold", 1531), ("resolution", -8), ("resolution", 16385)]
)
def test_numbers_out_of_range_are_refused_before_anything_runs(comfy, picture: np.ndarray, name: str, value: int):
    valid, _, _, errors = comfy.validate(workflow(**{name: value}))
    assert not valid or "canny" in errors
    assert any(name in error["details"] or name in str(error["extra_info"]) for error in errors["canny"]["errors"])


def test_cancel_stops_between_pictures(comfy):
    import comfy.model_management as management

    management.interrupt_current_processing(True)
    try:
        with pytest.raises(management.InterruptProcessingException):
            comfy.call("SteerCanny", image=torch.rand(8, 64, 64, 3), **DEFAULTS)
    finally:
        management.interrupt_current_processing(False)


@pytest.mark.slow
def test_importing_the_node_does_not_import_cv2():
    program = (
        "import sys, types\n"
        f"sys.argv = ['main.py', '--cpu']; sys.path.insert(0, {str(ROOT / '.comfyui')!r})\n"
        "import comfy.options; comfy.options.enable_args_parsing()\n"
        f"steer = types.ModuleType('steer'); steer.__path__ = [{str(ROOT)!r}]; sys.modules['steer'] = steer\n"
        "import numpy, comfy.utils, comfy.model_management, comfy_api.v0_0_2\n"
        "before = set(sys.modules)\n"
        "import steer.nodes.preprocess.nodes\n"
        "print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "steer" in done.stdout
    assert "cv2" not in done.stdout
