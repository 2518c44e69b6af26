"""remake: an equal picture is called equal, and what makes another one differ is named."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[3]


def small_prompt(seed: int = 5, **sampler: Any) -> dict[str, Any]:
    """Text to image at 64 x 64 in two steps."""
    settings = {"steps": 2, "cfg": 4.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    model = {str(slot): ["1", slot] for slot in (0, 1, 2)}
    return {
        "1": {"class_type": "SteerDemoModel", "inputs": {}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": model["1"], "text": "girl, smiling, beach"}},
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "4": {
            "class_type": "KSampler",
            "_meta": {"title": "Sampler"},
            "inputs": {
                "model": model["0"],
                "positive": ["2", 0],
                "negative": ["2", 0],
                "latent_image": ["3", 0],
                "seed": seed,
                **settings,
                **sampler,
            },
        },
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": model["2"]}},
        "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "remake"}},
    }


def picture_with(path: Path, pixels: Image.Image, **texts: Any) -> Path:
    info = PngInfo()
    for name, value in texts.items():
        info.add_text(name, json.dumps(value))
    pixels.save(path, pnginfo=info)
    return path


@pytest.fixture(scope="module")
def made(server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture as ComfyUI saves it."""
    from steer.runner.comfyui.client import ComfyClient

    client = ComfyClient(server.url, server.check_alive)
    (picture,) = client.run(small_prompt()).pictures
    path = tmp_path_factory.mktemp("made") / "made.png"
    path.write_bytes(client.fetch(picture))
    return path


def remake(server, *arguments: Any) -> int:
    from steer.runner import cli

    return cli.run(["remake", *map(str, arguments), "--comfyui-url", server.url])


@pytest.mark.server
def test_the_same_machine_makes_the_same_picture_and_leaves_nothing_behind(server, made, tmp_path, capsys):
    output = Path(server.arguments[2])
    before = set(output.rglob("*"))
    assert remake(server, made, "--out", tmp_path / "new") == 0
    assert "equal to the last bit" in capsys.readouterr().out
    with Image.open(tmp_path / "new" / "made-remade.png") as new, Image.open(made) as old:
        assert np.array_equal(np.array(new), np.array(old))
    assert set(output.rglob("*")) == before


@pytest.mark.server
def test_what_was_changed_is_named(server, made, tmp_path, capsys):
    with Image.open(made) as pixels:
        pixels.load()
    gone = small_prompt() | {"7": {"class_type": "LoadImage", "inputs": {"image": "cat-of-nobody.png"}}}
    gone["8"] = {"class_type": "PreviewImage", "inputs": {"images": ["7", 0]}}
    here = {"steer": "0.0.1", "comfyui": "0.1.0", "device": "cuda", "models": {"fine.safetensors": "00"}}
    workflow = {
        "nodes": [
            {"id": 4, "type": "KSampler", "properties": {"cnr_id": "comfy-core", "ver": "0.3.1"}, "inputs": []},
        ],
        "links": [],
    }
    planted = {
        "another-seed": ({"prompt": small_prompt(6)}, ("DIFFERS", "does not say which model files")),
        "gpu-noise": (
            {"prompt": small_prompt(sampler_name="dpmpp_sde_gpu")},
            ("DIFFERS", "Sampler, sampler_name dpmpp_sde_gpu: its noise comes from the GPU"),
        ),
        "missing-picture": ({"prompt": gone}, ("NOT MADE", "MISSING  input file cat-of-nobody.png")),
        "another-machine": (
            {"prompt": small_prompt(6), "steer": here},
            (
                "ComfyUI: made with 0.1.0, here is",
                "Steer: made with 0.0.1, here is",
                "model fine.safetensors: not here",
                "processor: made on cuda, here on cpu",
            ),
        ),
        "versions": ({"prompt": small_prompt(6), "workflow": workflow}, ("ComfyUI: made with 0.3.1, here is",)),
    }
    for name, (texts, wanted) in planted.items():
        assert remake(server, picture_with(tmp_path / f"{name}.png", pixels, **texts)) == 1
        said = capsys.readouterr().out
        for words in wanted:
            assert words in said, (name, words, said)


@pytest.mark.server
def test_cells_of_a_sweep_say_what_made_them_and_are_made_again(server, tmp_path, capsys):
    from steer.runner.comfyui.client import ComfyClient

    client = ComfyClient(server.url, server.check_alive)
    declared = client.node_definitions()["SteerSweep"]["input"]["required"]
    widgets = {name: spec[1]["default"] for name, spec in declared.items() if "default" in (spec[1:] or [{}])[0]}
    inputs = widgets | {"model": ["1", 0], "clip": ["1", 1], "vae": ["1", 2], "latent": ["3", 0], "axis_1": ["7", 1]}
    inputs |= {"steps": 2, "sampler_name": "euler", "scheduler": "normal", "folder": "sweeps/remade"}
    prompt = {number: node for number, node in small_prompt().items() if number in "13"}
    prompt["7"] = {"class_type": "SteerSeeds", "inputs": {"text": "1-3"}}
    prompt["8"] = {"class_type": "SteerSweep", "inputs": inputs}
    client.run(prompt)
    folder = Path(server.arguments[2]) / "sweeps" / "remade"
    with Image.open(next(folder.glob("*.png"))) as cell:
        maker = json.loads(cell.info["steer"])
    assert maker["comfyui"]
    assert maker["device"] == "cpu"
    assert len(maker["code"]) == len(maker["weights"]) == 64
    assert remake(server, folder, "--cells", 2) == 0
    assert capsys.readouterr().out.count("equal to the last bit") == 2
    assert remake(server, folder.parent) == 2
    assert "holds no sweep" in capsys.readouterr().err


@pytest.mark.server
def test_a_zip_ends_with_a_remade_picture_beside_the_expected_one(server, made, tmp_path, capsys):
    from steer.runner import cli

    file = tmp_path / "small.json"
    for seed, verdict, code in ((5, "equal to the last bit", 0), (6, "Sampler, seed: 6 in the workflow, 5 made", 1)):
        file.write_text(json.dumps(small_prompt(seed)))
        archive, target = tmp_path / f"{seed}.zip", tmp_path / f"to-{seed}"
        assert cli.run(["pack", str(file), "-o", str(archive), "--expected", str(made)]) == 0
        arguments = ["unpack", str(archive), "--to", str(target), "--remake", "--comfyui-url", server.url]
        assert cli.run(arguments) == code
        assert verdict in capsys.readouterr().out
        assert (target / "expected" / "made.png").read_bytes() == made.read_bytes()
        assert (target / "remade" / "made-remade.png").is_file()


def test_verdicts_tell_bits_from_rounding_from_another_picture():
    from steer.runner.share.verdict import ROUNDING, compare

    rng = np.random.default_rng(0)
    levels = rng.integers(10, 240, (32, 48, 3), dtype=np.uint8)
    picture = Image.fromarray(levels)
    assert str(compare(picture, Image.fromarray(levels.copy()))) == "equal to the last bit"
    near = compare(picture, Image.fromarray(levels + ROUNDING))
    assert near.is_same
    assert f"at most {ROUNDING} of 255" in str(near)
    one = levels.copy()
    one[3, 4, 1] += ROUNDING + 1  # one colour of one pixel
    far = compare(picture, Image.fromarray(one))
    assert not far.is_same
    assert far.share == pytest.approx(1 / (32 * 48))
    assert "48 x 32 pixels, and not 48 x 16" in str(compare(picture.crop((0, 0, 48, 16)), picture))
    clear = picture.copy()
    clear.putalpha(7)
    assert not compare(picture, clear).is_same


@pytest.mark.parametrize("name", ["not-a-picture.png", "plain.png", "workflow.json"])
def test_what_cannot_be_remade_is_refused_by_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from steer.runner import cli

    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    files = {"not-a-picture.png": b"\x89PNG\r\n\x1a\nxx", "plain.png": content.getvalue(), "workflow.json": b"{}"}
    (tmp_path / name).write_bytes(files[name])
    assert cli.run(["remake", str(tmp_path / name), "--comfyui-url", "127.0.0.1:9"]) == 2
    assert name in capsys.readouterr().err


def test_the_mark_of_a_large_file_changes_with_its_head_its_middle_and_its_size(tmp_path: Path, comfy):
    from steer.nodes.comfy_maker import BLOCK, BLOCKS, mark_file

    path = tmp_path / "large.safetensors"
    content = bytearray(BLOCKS * BLOCK * 3)
    marks = []
    half, width = len(content) // 2, 4 * BLOCK  # a tensor is longer than the steps between what is read
    for part in (slice(0, 0), slice(0, 1), slice(half, half + width), slice(-1, None)):
        changed = bytearray(content)
        changed[part] = b"\1" * len(changed[part])
        path.write_bytes(changed)
        marks.append(mark_file(path))
    path.write_bytes(content + b"\0")
    assert len({*marks, mark_file(path)}) == 5
