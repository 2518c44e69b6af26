"""ControlNet Guide: what it hands on, how hints come to the picture's size, and what it refuses before sampling."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from control_lab import GUIDE, Lab
from safetensors.torch import save_file
from steer.nodes.control.families import check_family, find_net_width
from steer.nodes.control.fit import describe_cut, prepare_hint
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.lines.mlsd import Lines
from steer.preprocessors.pictures import fit_points
from steer.preprocessors.pose.keypoints import write_frame
from steer.preprocessors.pose.people import Person
from steer.preprocessors.pose.skeleton import draw_people
from sweep_lab import giver
from tiny_control import sd15_controlnet


def lines_at(*segments: tuple[float, ...], size: tuple[int, int]) -> Lines:
    return Lines(np.array(segments, np.float64), np.ones(len(segments)), size)


def drawn(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture)[None].float() / 255


def stock(lab: Lab, net: Any, hint: torch.Tensor, strength: float = 0.8, start: Any = None) -> Any:
    import nodes

    positive, negative = start or lab.prompts
    return nodes.ControlNetApplyAdvanced().apply_controlnet(positive, negative, net, hint, strength, 0.0, 1.0)


def test_two_guides_sample_as_two_stock_nodes_and_build_one_stack(lab: Lab, nets, guide):
    first, second = lab.hint(3), lab.hint(4)
    positive, negative, stack, hint, report = guide(image=first)
    assert torch.equal(hint, first)
    assert report == "ControlNet: strength 0.8, balanced\nhint: an ordinary picture"
    lost = "positive carries a ControlNet that the output control does not hand on"
    assert lost in guide(positive=positive, negative=negative, control_net=nets[1], image=second)[-1]
    positive, negative, stack, _, report = guide(
        positive=positive, negative=negative, control_net=nets[1], image=second, control=stack, strength=0.5
    )
    assert lost not in report
    assert [(c.net, c.strength) for c in stack] == [(nets[0], 0.8), (nets[1], 0.5)]
    theirs = stock(lab, nets[1], second, 0.5, start=stock(lab, nets[0], first))
    assert torch.equal(lab.run(positive, negative).latent, lab.run(*theirs).latent)


@pytest.mark.parametrize("size", [(64, 96), (100, 64), (31, 31)])
def test_a_cropped_hint_is_what_comfyui_makes_of_it(lab: Lab, nets, guide, size: tuple[int, int]):
    """The hint is brought to size here, where it can be seen, and not in the sampler; the picture is the same."""
    picture = torch.rand(1, *size, 3, generator=torch.Generator().manual_seed(1))
    positive, negative, _, hint, _ = guide(image=picture)
    assert hint.shape == (1, 64, 64, 3)
    assert torch.equal(lab.run(positive, negative).latent, lab.run(*stock(lab, nets[0], picture)).latent)


def test_a_latent_may_say_how_many_pixels_a_cell_has(lab: Lab, guide):
    """As newer ComfyUIs' empty latents do, which the sampler then brings to the scale of its model."""
    latent = {"samples": torch.zeros(1, 4, 8, 8), "downscale_ratio_spacial": 16}
    assert guide(image=lab.hint(3), latent=latent)[3].shape == (1, 128, 128, 3)


def test_a_batch_of_hints_goes_frame_by_frame(lab: Lab, guide):
    hints = torch.cat([lab.hint(3), lab.hint(4)])
    run = lab.run(*guide(image=hints, latent={"samples": torch.zeros(2, 4, 8, 8)})[:2], steps=1, batch=2)
    for frame in range(2):
        twice, latent = hints[[frame, frame]], {"samples": torch.zeros(2, 4, 8, 8)}
        alone = lab.run(*guide(image=twice, latent=latent)[:2], steps=1, batch=2)
        for got, want in zip(run.steps[0].tensors, alone.steps[0].tensors, strict=True):
            assert torch.equal(got[frame], want[frame])


def test_mode_and_feathered_mask_reach_the_control(guide, lab: Lab):
    mask = torch.zeros(1, 64, 64)
    mask[:, :, :32] = 1
    *_, stack, _, report = guide(image=lab.hint(3), mask=mask, mode="prompt", feather=8, end_percent=0.5)
    own = stack[0]
    assert (own.mode, own.end_percent) == ("prompt", 0.5)
    assert own.mask is not None
    assert not own.mask[0, :, 32:].any()
    assert 0 < own.mask[0, 30, 31] < own.mask[0, 30, 27] < own.mask[0, 30, 20] == 1
    assert "prompt, from 0% to 50% of sampling" in report


@pytest.mark.parametrize(("fit", "left", "right"), [("crop", 0, 32), ("pad", 0, 48), ("stretch", 0, 48)])
def test_a_mask_lies_where_the_hint_it_was_drawn_on_lies(lab: Lab, guide, fit: str, left: int, right: int):
    """The left three quarters of a wide hint; of a mask that only has another shape, the same part of the picture."""
    wide = torch.zeros(1, 64, 128)
    wide[..., :96] = 1
    plain = lab.run(*guide(image=lab.hint(3))[:2], steps=1).steps[0].tensors[0]
    mask = wide
    if fit == "crop":
        mask = torch.zeros(1, 64, 128)
        mask[..., :64] = 1
    *given, _, hint, report = guide(image=torch.rand(1, 64, 128, 3), mask=mask, fit=fit)
    got = lab.run(*given[:2], steps=1).steps[0].tensors[0]
    rows = {row for row in range(got.shape[-2]) if bool(got[..., row, :].any())}
    columns = [column for column in range(got.shape[-1]) if bool(got[..., column].any())]
    assert (columns[0] * 8, columns[-1] * 8 + 8) == (left, right)
    assert rows == (set(range(2, 6)) if fit == "pad" else set(range(8))), "pad leaves the bars out"
    assert f"the mask is 128x64, the picture 64x64: the mask is moved with it ({fit})" in report
    assert hint.shape == (1, 64, 64, 3)
    *given, report = guide(image=lab.hint(3), mask=wide, fit=fit)
    assert "the mask is stretched onto the picture" in report
    stretched = lab.run(*given[:2], steps=1).steps[0].tensors[0]
    assert torch.equal(stretched[..., :6], plain[..., :6])
    assert not stretched[..., 6:].any()


def test_the_feather_is_in_pixels_of_the_picture(lab: Lab, guide):
    masks = {}
    for side in (64, 256):
        mask = torch.zeros(1, side, side)
        mask[..., : side // 2] = 1
        masks[side] = guide(image=lab.hint(3), mask=mask, feather=8)[2][0].mask
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(masks[256], 4), masks[64], atol=0.08, rtol=0)


@pytest.mark.parametrize(
    ("fit", "size", "words"),
    [
        ("crop", (64, 128), "the hint is 128x64, the picture 64x64: crop cut 50% of it off, left and right"),
        ("crop", (128, 64), "crop cut 50% of it off, top and bottom"),
        ("pad", (64, 128), "pad left 50% of the picture black, top and bottom"),
        ("stretch", (64, 128), "stretch made it 2.00 times narrower"),
        ("crop", (200, 201), ""),
    ],
)
def test_another_shape_is_reported_with_both_sizes(fit: str, size: tuple[int, int], words: str):
    note = describe_cut(size, (64, 64), fit)
    assert note.endswith(words) if words else note == ""
    notes = prepare_hint(torch.rand(1, *size, 3), None, None, (64, 64), fit).notes
    assert bool(words) == (describe_cut(size, (64, 64), fit) in notes)


def test_padding_and_stretching_keep_everything():
    picture = torch.rand(1, 64, 128, 3)
    pad = prepare_hint(picture, None, None, (64, 64), "pad").image
    assert torch.equal(pad[:, 16:48], prepare_hint(picture, None, None, (32, 64), "stretch").image)
    assert not pad[:, :16].any()
    assert not pad[:, 48:].any()


@pytest.mark.parametrize("target", [(96, 80), (256, 300), (640, 640)])
def test_thin_lines_stay_one_pixel_wide_and_none_is_lost(target: tuple[int, int]):
    size = (256, 256)
    known = lines_at((10, 20, 240, 60), (30, 250, 200, 5), (128, 10, 128, 245), (10, 130, 250, 130), size=size)
    hint = drawn(draw_lines(known.segments, *size))
    got = prepare_hint(hint, None, None, target, "stretch").image
    expected = drawn(draw_lines(known.move(fit_points(size, target, "stretch")).segments, *target))
    assert set(got.unique().tolist()) == {0.0, 1.0}
    near = torch.nn.functional.max_pool2d(expected[..., 0], 5, 1, 2)
    around = torch.nn.functional.max_pool2d(got[..., 0], 5, 1, 2)
    assert near[got[..., 0] > 0].all(), "nothing lies where no line is"
    assert around[expected[..., 0] > 0].all(), "every part of every line is there"
    assert 0.7 < float(got.sum() / expected.sum()) < 1.5, "one pixel wide"


def test_known_points_and_lines_are_drawn_at_the_target():
    body = np.zeros((18, 3))
    body[1], body[2], body[3] = (20, 20, 0.9), (40, 22, 0.8), (60, 50, 0.2)
    person = Person(body)
    hint = prepare_hint(None, [write_frame([person], 64, 64)], None, (256, 256), "crop")
    assert torch.equal(
        hint.image, drawn(draw_people([person.move(fit_points((64, 64), (256, 256), "crop"))], 256, 256, threshold=0.3))
    )
    assert hint.notes[0] == "poses drawn at 256x256, 1 picture"
    assert "points that score above 0.3, sticks of the usual width; for another drawing" in hint.notes[1]
    known = lines_at((4, 4, 60, 30), size=(64, 64))
    lines = prepare_hint(torch.rand(1, 64, 64, 3), None, [known], (128, 256), "stretch")
    assert torch.equal(lines.image, drawn(draw_lines(known.segments * [4, 2, 4, 2], 128, 256)))
    assert "2.00 times wider" in lines.notes[0]


@pytest.mark.parametrize("socket", ["lines", "keypoints"])
def test_a_hint_that_was_ready_is_not_lost_where_nothing_is_to_be_drawn(guide, socket: str):
    """OpenPose hands a ready hint on as a picture, with nobody in its keypoints."""
    ready = drawn(draw_lines(np.array([[4, 4, 60, 30], [8, 60, 50, 2]]), 64, 64))
    none = Lines(np.zeros((0, 4)), np.zeros(0), (64, 64), "no line that is long enough")
    given = {socket: {"lines": [none], "keypoints": [write_frame([], 64, 64)]}[socket]}
    *_, hint, report = guide(image=ready, **given)
    assert torch.equal(hint, ready)
    why = {"lines": "lines: there is none in them; no line that is long enough", "keypoints": "score above 0.3"}[socket]
    assert f"{why}, so image is the hint" in report
    *_, hint, report = guide(**given)
    assert not hint.any()
    assert "the hint is one colour only" in report
    assert ("connect its hint to image" in report) is (socket == "keypoints")


@pytest.mark.parametrize("older", ["lines", "keypoints"])
def test_one_door_takes_pictures_keypoints_and_lines(guide, older: str):
    """The inputs that older workflows have beside it do the same."""
    points = np.zeros((18, 3))
    points[:, :2], points[:, 2] = np.random.default_rng(1).uniform(8, 120, (18, 2)), 1
    brought = {
        "lines": [lines_at((4, 4, 120, 60), size=(128, 128))],
        "keypoints": [write_frame([Person(points)], 128, 128)],
    }
    now, before = guide(image=brought[older]), guide(**{older: brought[older]})
    assert now[3].any()
    assert torch.equal(now[3], before[3])
    assert now[4] == before[4]


def test_no_check_of_the_tone_for_a_net_of_any_kind(guide, caplog: pytest.LogCaptureFixture):
    page = 1 - drawn(draw_lines(np.random.default_rng(1).uniform(0, 64, (6, 4)), 64, 64))
    with caplog.at_level(logging.WARNING):
        assert "Put Invert Image before it" not in guide(image=page, kind="any")[-1]
        assert not caplog.text
        assert "Put Invert Image before it" in guide(image=page, kind="auto")[-1]


def test_grey_and_transparent_hints_become_rgb():
    grey = prepare_hint(torch.full((1, 8, 8, 1), 0.5), None, None, None, "crop").image
    assert torch.equal(grey, torch.full((1, 8, 8, 3), 0.5))
    clear = torch.ones(1, 8, 8, 4)
    clear[..., :4, 3] = 0
    assert torch.equal(prepare_hint(clear, None, None, None, "crop").image[..., 0], clear[..., 3])


def test_a_wrong_hint_is_named_once_in_the_report_and_the_log(guide, caplog: pytest.LogCaptureFixture):
    body = np.zeros((18, 3))
    body[:, :2], body[:, 2] = np.random.default_rng(1).uniform(8, 56, (18, 2)), 1
    skeletons = drawn(draw_people([Person(body)], 64, 64)).repeat(2, 1, 1, 1)
    words = "this looks like a pose skeleton; the net is for Canny edges. Put Canny before it, or change the net"
    latent = {"samples": torch.zeros(2, 4, 8, 8)}
    with caplog.at_level(logging.WARNING):
        report = guide(image=skeletons, kind="canny", latent=latent)[-1].splitlines()
    assert report.count(words) == 1
    assert caplog.text.count(words) == 1
    assert report[-1] == "hint: a pose skeleton"
    caplog.clear()
    for kind in ("openpose", "any", "auto"):
        assert words not in guide(image=skeletons, kind=kind, latent=latent)[-1]
    assert not caplog.text
    mixed = torch.cat([skeletons[:1], 1 - skeletons[:1]])
    assert "picture 2: this looks like a pose skeleton, inverted" in guide(image=mixed, latent=latent)[-1]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"image": torch.rand(3, 64, 64, 3)}, "hints: there are 3 for the 1 picture of the latent"),
        ({"image": torch.rand(1, 64, 64, 3) * float("nan")}, "image: it holds NaN"),
        ({"image": torch.rand(64, 64, 3)}, "image: expected pictures"),
        ({}, "no hint is connected. Connect a picture, keypoints or lines"),
        ({"keypoints": [{"people": []}], "lines": []}, "keypoints, lines: both are connected"),
        (
            {"image": [{"people": []}], "lines": []},
            "image: the hint is drawn from what it brings, and from another input",
        ),
        ({"image": [], "keypoints": []}, "image: the hint is drawn from what it brings, and from another input"),
        ({"image": "nonsense"}, "keypoints: this text is not JSON"),
        ({"lines": []}, "lines: there is no frame"),
        ({"keypoints": "nonsense"}, "keypoints: this text is not JSON"),
        ({"image": torch.rand(1, 64, 64, 3), "mask": torch.zeros(1, 64, 64)}, "mask: mask is empty"),
        ({"image": torch.rand(1, 64, 64, 3), "mask": torch.ones(2, 64, 64)}, "masks: there are 2 for the 1 picture"),
        ({"image": torch.rand(1, 64, 64, 3), "strength": float("nan")}, "strength: nan"),
        (
            {"image": torch.rand(1, 64, 64, 3), "start_percent": 0.9, "end_percent": 0.1},
            "start_percent: 0.9 lies after",
        ),
        ({"image": torch.rand(1, 64, 64, 3), "control_net": None}, "control_net: expected a ControlNet, got nothing"),
    ],
)
def test_what_cannot_be_is_refused_before_sampling(guide, given: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        guide(**given)


def test_another_family_is_refused_before_sampling_with_its_name(guide, lab: Lab, nets):
    assert find_net_width(nets[0]) == lab.prompts[0][0][0].shape[-1]
    with pytest.raises(ValueError, match=r"made for SD 1\.x \(prompts of width 768\).*prompts of width 32"):
        guide(control_net=sd15_controlnet(context=768), image=lab.hint(3))
    sdxl = [[torch.zeros(1, 77, 2048), {}]]
    net = sd15_controlnet(context=768)
    with pytest.raises(ValueError, match=r"'canny_sd15' is made for SD 1\.x.*'xl\.safetensors', of SDXL"):
        check_family(net, (sdxl,), "canny_sd15", "xl.safetensors")
    check_family(net, ([[torch.zeros(1, 77, 2048), {"cross_attn_controlnet": torch.zeros(1, 77, 768)}]],))
    check_family(SimpleNamespace(t2i_model=torch.nn.Linear(2, 2)), (sdxl,))


@pytest.mark.parametrize("kind", ["checkpoint", "LoRA", "truncated"])
def test_a_file_that_is_no_controlnet_ends_in_an_error_with_a_reason(
    comfy, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
):
    import folder_paths

    tensors = {
        "checkpoint": {f"model.{name}": weight for name, weight in lab.model.model.state_dict().items()},
        "LoRA": {f"lora_unet_mid_block.{end}.weight": torch.zeros(4, 4) for end in ("lora_up", "lora_down")},
        "truncated": {"input_hint_block.0.weight": torch.zeros(64, 64)},
    }[kind]
    file = tmp_path / f"{kind}.safetensors"
    save_file({name: weight.contiguous() for name, weight in tensors.items()}, file)
    if kind == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "controlnet", ([str(tmp_path)], {".safetensors"}))
    given = {"positive": lab.prompts[0], "negative": lab.prompts[1], "image": lab.hint(3)}
    for name, value in given.items():
        monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, f"Test{name}", giver({"": value}))
    graph = {name: {"class_type": f"Test{name}", "inputs": {"name": "", "version": ""}} for name in given}
    graph["net"] = {"class_type": "ControlNetLoader", "inputs": {"control_net_name": file.name}}
    links = {name: [name, 0] for name in (*given, "net")}
    inputs = GUIDE | {"control_net": links.pop("net")} | links
    graph["guide"] = {"class_type": "SteerControlNetGuide", "inputs": inputs}
    graph["show"] = {"class_type": "PreviewAny", "inputs": {"source": ["guide", 4]}}
    result = comfy.run(graph)
    assert result.error is not None, "it was taken for a ControlNet"
    assert re.search(r"not contain a valid controlnet|expected a ControlNet|incomplete|corrupt", result.message, re.I)
