"""The workflows of this family, run as they ship but with fewer steps and pictures: what they promise holds in them.

The figures at the workflows' own twenty steps, over hundreds of pictures, are those of `python run.py report control`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from slides_lab import KEEP, Slide, keeper
from steer.demo.judges.network import judge, load
from steer.preprocessors.pose.keypoints import read_frames

pytestmark = pytest.mark.slow

STEPS = 5


@pytest.fixture
def slide(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Slide]]:
    import folder_paths

    before = folder_paths.get_output_directory()
    folder_paths.set_output_directory(str(tmp_path))
    kept: dict[str, list[Any]] = {}
    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, KEEP, keeper(kept))
    yield lambda name: Slide(comfy, name, kept)
    folder_paths.set_output_directory(before)


def test_only_the_face_changes(slide: Callable[[str], Slide]):
    """Through slide 7: latents outside the mask, and pixels outside it after the composite, are those of the picture.

    KSampler beside the Sweep gives the latent that the Sweep does not hand on; that both make one picture is checked.
    """
    workflow = slide("07-inpaint-the-expression")
    workflow.set("Sweep", steps=3)
    workflow.set("Moods", include_original=False, swaps="angry")
    workflow.add("words", "CLIPTextEncode", clip=workflow.link("Sweep", "clip"), text="replaced below")
    workflow.add("none", "CLIPTextEncode", clip=workflow.link("Sweep", "clip"), text="")
    settings = {
        name: workflow.prompt[workflow.node("Sweep")]["inputs"][name]
        for name in ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")
    }
    workflow.prompt["words"]["inputs"]["text"] = workflow.prompt[workflow.node("Prompt")]["inputs"]["value"].replace(
        "smiling", "angry"
    )
    workflow.add(
        "stock",
        "KSampler",
        model=workflow.link("Sweep", "model"),
        positive=["words", 0],
        negative=["none", 0],
        latent_image=workflow.link("Sweep", "latent"),
        **settings,
    )
    workflow.add("decoded", "VAEDecode", samples=["stock", 0], vae=workflow.link("Sweep", "vae"))
    for name, source in {
        "picture": workflow.link("Lay over", "source"),
        "mask": "Face Mask",
        "before": workflow.link("SetLatentNoiseMask", "samples"),
        "after": ["stock", 0],
        "decoded": ["decoded", 0],
        "cell": workflow.link("Lay over", "destination"),
        "laid": "Lay over",
        "outside": [workflow.node("Difference"), 3],
        "inside": [workflow.node("Difference"), 2],
    }.items():
        workflow.keep(name, source)
    got = {name: values[0] for name, values in workflow.run().items()}
    mask, picture, laid = got["mask"], got["picture"], got["laid"]
    assert 0.05 < float((mask > 0).float().mean()) < 0.3
    assert float((mask == 1).float().mean()) > 0.03

    cells = torch.nn.functional.max_pool2d(mask[:, None], 8)[0, 0] == 0  # cells wholly outside
    moved = (got["after"]["samples"] - got["before"]["samples"]).abs().amax(dim=(0, 1))
    assert float(moved[cells].max()) < 1e-5
    assert float(moved[~cells].max()) > 0.5

    assert torch.allclose(got["decoded"], got["cell"], atol=1 / 255), "the Sweep's picture is KSampler's"
    outside = mask[0] == 0
    assert torch.equal(laid[0][outside], picture[0][outside])
    assert not torch.equal(got["cell"][0][outside], picture[0][outside]), "the VAE alone changes them"
    whole = mask[0] == 1
    assert torch.allclose(laid[0][whole], got["cell"][0][whole], atol=1e-6)
    assert float((laid - picture).abs()[0][whole].mean()) > 0.03
    assert got["outside"] == 0
    assert got["inside"] > 0.02


def held(slide: Slide, queueings: Sequence[dict[str, dict[str, Any]]]) -> np.ndarray:
    """uint8 pictures [N, H, W, 3] with control of the workflow queued again and again, each with other widgets."""
    slide.set("Sample, with control", steps=STEPS)
    slide.set("Sample, without", steps=STEPS)
    slide.keep("with", "Decode, with control")
    slide.keep("hint", [slide.node("ControlNet Guide"), 3])
    slide.only_kept()
    for widgets in queueings:
        for title, values in widgets.items():
            slide.set(title, **values)
        slide.run()
    pictures = [picture for batch in slide.values["with"] for picture in batch]
    return np.stack([(picture.numpy() * 255).round().astype(np.uint8) for picture in pictures])


def with_seed(seed: int) -> dict[str, dict[str, Any]]:
    """The widgets of both samplers of a slide."""
    return {f"Sample, {row}": {"seed": seed} for row in ("without", "with control")}


def free(slide: Slide) -> np.ndarray:
    """uint8 pictures of the same prompt as the last queueing of :func:`held`, without control."""
    slide.keep("without", "Decode, without")
    pictures = [picture for batch in slide.run()["without"] for picture in batch]
    return np.stack([(picture.numpy() * 255).round().astype(np.uint8) for picture in pictures])


def test_the_edges_keep_the_angle_of_a_face(slide: Callable[[str], Slide]):
    from steer.demo.judges import measures

    workflow = slide("08-canny-same-face-angle")
    pictures = held(workflow, [{"Seeds": {"text": "5-8"}}, {"Seeds": {"text": "1-4"}}])
    hint = workflow.values["hint"][0][0, ..., 0].numpy() > 0.5
    with_control, without = (
        [measures.edge_f1(measures.edges(picture), hint) for picture in row] for row in (pictures, free(workflow))
    )
    assert len(with_control) == 8
    assert min(with_control) > max(without), (with_control, without)
    assert np.mean(with_control) > 1.5 * np.mean(without), (with_control, without)


def test_the_lines_keep_a_room(slide: Callable[[str], Slide]):
    from steer.demo.judges import measures

    workflow = slide("09-mlsd-one-room-two-styles")
    workflow.keep("lines", [workflow.node("M-LSD"), 1])
    pictures = held(workflow, [with_seed(seed) for seed in range(4, 0, -1)])
    lines = workflow.values["lines"][0][0].segments
    with_control, without = (
        [measures.lines_followed(lines, picture) for picture in row] for row in (pictures, free(workflow))
    )
    assert len(with_control) == 8
    assert min(with_control) > max(without), (with_control, without)
    assert np.mean(with_control) > np.mean(without) + 0.2, (with_control, without)


def test_the_skeletons_keep_their_poses(slide: Callable[[str], Slide]):
    """Each cell of the slide's sweep, and for each person the same sampler without control."""
    from steer.demo.judges import measures

    workflow = slide("10-openpose-one-pose-many-people")
    sampler, guide = (workflow.prompt[workflow.node(title)]["inputs"] for title in ("KSampler", "ControlNet Guide"))
    sampler["steps"] = STEPS
    decoder = workflow.prompt[workflow.node("VAEDecode")]["inputs"]
    workflow.add("alone", "KSampler", **(sampler | {name: guide[name] for name in ("positive", "negative")}))
    workflow.add("decoded", "VAEDecode", **(decoder | {"samples": ["alone", 0]}))
    workflow.keep("with", "VAEDecode")
    workflow.keep("without", ["decoded", 0])
    workflow.keep("keypoints", workflow.link("Pose Render", "keypoints"))
    workflow.only_kept()
    for person in range(4):
        for pose in range(3):
            workflow.set("Person", index=person)
            workflow.set("Pose", index=pose)
            workflow.run()
    expected = [
        frame.people[0].body * (256 / frame.width, 256 / frame.height, 1)
        for frames in workflow.values["keypoints"]
        for frame in read_frames(frames)
    ]
    judges, _ = load()

    def find_joints(name: str) -> np.ndarray:
        pictures = torch.cat(workflow.values[name]).movedim(-1, 1)
        return judge(judges, pictures).joints.numpy()

    assert len({pose.tobytes() for pose in expected[:3]}) == 3
    with_control = [measures.joint_error(*each) for each in zip(find_joints("with"), expected, strict=True)]
    without = [measures.joint_error(joints, pose) for joints in find_joints("without") for pose in expected[:3]]
    assert len(with_control) == 12, "each person takes each pose"
    assert len(without) == 12, "a person without control is made once"
    assert np.mean(with_control) < 0.06, (with_control, without)
    assert np.mean(with_control) < 0.85 * np.mean(without), (with_control, without)
