"""The pictures that ship are the scenes they are said to be, and the node gives them."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).resolve().parents[2]


PORTRAITS = ["girl with a pearl earring", "smiling girl"]
FIGURES = ["dancer", "superhero", "astronaut"]


@pytest.fixture(params=[*PORTRAITS, "two elephants", "empty room", *FIGURES])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def test_picture_is_its_scene(name: str):
    from steer.demo.draw_pictures import draw
    from steer.nodes.demo.pictures import load_keypoints, load_picture

    shipped = load_picture(name)
    assert shipped.shape == (1, 512, 512, 3)
    # Another processor may round an edge pixel otherwise; another scene would be far away.
    drawn, people = draw(name)
    difference = np.abs(shipped[0].numpy() * 255.0 - drawn)
    assert difference.mean() < 0.1
    assert load_keypoints(name) == [people]


def test_every_picture_has_a_scene():
    from steer.demo.draw_pictures import SCENES
    from steer.demo.picture_files import NAMES

    assert tuple(SCENES) == NAMES


def test_a_release_has_every_file_that_its_code_imports():
    """What .comfyignore leaves out is imported only by what it leaves out too."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".comfyignore").read_text("utf-8").splitlines())
    for path in [path for folder in ("nodes", "preprocessors", "demo") for path in (ROOT / folder).rglob("*.py")]:
        if ignored.match_file(path.relative_to(ROOT).as_posix()):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
                for target in (folder, *(folder / alias.name for alias in node.names)):
                    file = target.with_suffix(".py")
                    left_out = file.is_file() and ignored.match_file(file.relative_to(ROOT).as_posix())
                    assert not left_out, f"{path.relative_to(ROOT)} imports {file.relative_to(ROOT)}"


def test_the_joints_lie_on_the_dancer():
    from steer.nodes.demo.pictures import load_keypoints, load_picture
    from steer.preprocessors.pose.keypoints import read_frames

    (frame,) = read_frames(load_keypoints("dancer"))
    (dancer,) = frame.people
    assert (frame.height, frame.width) == (512, 512)
    assert dancer.body is not None
    elbow, wrist = dancer.body[3, :2], dancer.body[4, :2]
    picture = load_picture("dancer")[0].numpy()
    x, y = ((elbow + wrist) / 2).round().astype(int)
    skin, sky = picture[y, x], picture[20, 500]
    assert skin[0] > skin[2], "the forearm is bare"
    assert sky[0] < sky[2]


def test_node_gives_every_picture_and_refuses_others(comfy):
    from steer.demo.picture_files import NAMES

    pictures = [comfy.call("SteerDemoPicture", picture=name)[0] for name in NAMES]
    assert len({picture.numpy().tobytes() for picture in pictures}) == len(NAMES) == 7
    images, keypoints = comfy.call("SteerDemoPicture", picture="three poses")
    assert images.numpy().tobytes() == b"".join(pictures[NAMES.index(name)].numpy().tobytes() for name in FIGURES)
    assert len(keypoints) == len(FIGURES)
    with pytest.raises(ValueError, match="there is no picture 'nobody'"):
        comfy.call("SteerDemoPicture", picture="nobody")
