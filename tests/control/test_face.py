"""Face Mask: against drawings whose faces are known, and photographs whose points the original networks gave."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from pose_photos import PHOTOS, photo
from steer.demo.scenes import EXPRESSIONS, HELD_OUT, Scene, render
from steer.nodes.control.choices import ALL, EXPRESSION, EYES, MOUTH, REGIONS, WHOLE
from steer.nodes.control.face import choose_faces, draw_face_mask
from steer.preprocessors.networks.graph import ConvGraph, load_graph
from steer.preprocessors.pose.faces import NETWORKS, Face, face_of, find_faces
from steer.preprocessors.pose.keypoints import write_frame
from steer.preprocessors.pose.people import Person

PEOPLE = Path(__file__).resolve().parents[1] / "preprocess" / "data" / "pose" / "people.npz"
PORTRAITS = range(HELD_OUT, HELD_OUT + 12)
WIDGETS = {"region": EXPRESSION, "faces": ALL, "grow": 0, "feather": 0}


@pytest.fixture(scope="module")
def networks() -> dict[str, ConvGraph]:
    return {name: load_graph(name) for name in NETWORKS}


@pytest.fixture
def mask_of(comfy) -> Any:
    def call(**given: Any) -> tuple[torch.Tensor, str]:
        return comfy.call("SteerFaceMask", **WIDGETS | given)

    return call


def image(*pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures)).float() / 255


def moods(seed: int) -> list[Scene]:
    return [render(seed, kind="portrait", expression=name) for name in EXPRESSIONS]


def changed(scenes: list[Scene]) -> np.ndarray:
    """Which pixels the expression changes clearly, between the drawings themselves."""
    pictures = np.stack([scene.image for scene in scenes]).astype(int)
    return np.asarray(np.ptp(pictures, axis=0).max(-1) > 100)


@pytest.mark.slow
def test_drawn_faces_are_found_and_the_mask_covers_what_an_expression_changes(networks: dict[str, ConvGraph]):
    whole, parts, known = [], [], []
    for seed in PORTRAITS:
        scenes = moods(seed)
        scene, needed = scenes[seed % len(scenes)], changed(scenes)
        assert needed.mean() > 0.02
        faces = find_faces(networks, scene.image)
        assert len(faces) == 1, seed
        person = face_of(Person(scene.joints[0].astype(float)))
        assert person is not None
        masks = {region: draw_face_mask(faces, (256, 256), region) > 0 for region in REGIONS}
        assert masks[WHOLE].mean() < 0.25
        assert masks[EXPRESSION].mean() < 0.75 * masks[WHOLE].mean()
        assert np.array_equal(masks[EXPRESSION], masks[MOUTH] | masks[EYES])
        whole.append(masks[WHOLE][needed].mean())
        parts.append(masks[EXPRESSION][needed].mean())
        known.append((draw_face_mask([person], (256, 256), EXPRESSION) > 0)[needed].mean())
    assert np.mean(whole) > 0.95, whole
    assert np.mean(parts) > 0.75, parts
    assert np.mean(known) > 0.9, known


@pytest.mark.parametrize("joints", [[], [0], [14, 15], [16, 17], [1, 2, 5]])
def test_a_person_without_a_nose_or_an_eye_has_no_face(joints: list[int]):
    """As someone seen from behind; and whatever points there are, they may not be sure."""
    body = np.zeros((18, 3))
    body[joints] = render(HELD_OUT, kind="portrait").joints[0][joints]
    unsure = render(HELD_OUT, kind="portrait").joints[0] * [1, 1, 0.2]
    assert face_of(Person(body)) is None
    assert face_of(Person(unsure)) is None


@pytest.mark.slow
def test_what_has_no_face_gives_none(networks: dict[str, ConvGraph]):
    found = [
        len(find_faces(networks, render(HELD_OUT + index, kind=kind).image))
        for kind in ("savanna", "interior")
        for index in range(6)
    ]
    assert not any(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_against_the_original_networks_points(networks: dict[str, ConvGraph], name: str):
    picture = photo(name)
    size = picture.shape[:2]
    faces = find_faces(networks, picture)
    assert len(faces) == 1
    with np.load(PEOPLE) as file:
        points = file[f"{name}/0/face"]
    rows, columns = np.minimum(points[:68, 1::-1].round().astype(int), np.array(size) - 1).T
    inside = {region: draw_face_mask(faces, size, region)[rows, columns] > 0 for region in REGIONS}
    assert inside[WHOLE].mean() > 0.95
    assert inside[MOUTH][48:].all()
    assert inside[EYES][17:27].mean() > 0.85
    assert inside[EYES][36:48].all()
    assert not inside[MOUTH][17:30].any()
    assert not inside[EYES][48:].any()
    assert not inside[EXPRESSION][28:31].all(), "the nose stays"
    extent = np.ptp(points[:17, 0]) * np.ptp(points[:68, 1])
    assert draw_face_mask(faces, size, WHOLE).sum() < 1.8 * extent


@pytest.mark.slow
@pytest.mark.parametrize(("closeness", "half_of_them"), [(0.9, 0), (1.15, 1)])
def test_a_face_that_fills_the_picture_is_found(networks: dict[str, ConvGraph], closeness: float, half_of_them: int):
    """Cut as close as the points of the face, and closer; wide and tall cuts too. Nothing else is taken for a face."""
    with np.load(PEOPLE) as file:
        known = {name: file[f"{name}/0/face"][:68, :2] for name in PHOTOS}
    for number, (name, points) in enumerate(known.items()):
        if np.ptp(points[:, 0]) < 60 or number % 2 != half_of_them:
            continue
        low, high = points.min(0), points.max(0)
        half = closeness * (high - low).max() / 2 * np.array([(1, 1), (1.3, 1), (1, 1.3)][number % 3])
        left, top = np.maximum((low + high) / 2 - half, 0).astype(int)
        right, bottom = ((low + high) / 2 + half).astype(int)
        (face,) = find_faces(networks, np.ascontiguousarray(photo(name)[top:bottom, left:right]))
        eyes = np.stack([points[36:42].mean(0), points[42:48].mean(0)]) - (left, top)
        assert np.abs(face.eyes - eyes).max() < 0.12 * half.max() * 2, name


def test_advice_does_not_point_the_wrong_way(mask_of):
    report = mask_of(image=torch.full((1, 48, 64, 3), 0.5))[1]
    assert "larger picture" not in report
    assert "searched at several scales" in report


def test_faces_are_counted_from_the_left(mask_of):
    left, right = PHOTOS[6], PHOTOS[0]
    both = image(np.concatenate([photo(left), photo(right)], axis=1))
    everyone, report = mask_of(image=both, region=WHOLE)
    assert report.startswith("2 faces found: whole face, ")
    halves = {"1": everyone[..., :640], "2": everyone[..., 640:]}
    for number, half in halves.items():
        one, report = mask_of(image=both, region=WHOLE, faces=number)
        assert f"2 faces found, face {number} from the left" in report
        assert torch.equal(one, torch.where(one > 0, everyone, 0))
        assert one.sum() == half.sum() > 0
    assert torch.equal(mask_of(image=both, region=WHOLE, faces="2, 1")[0], everyone)
    some, report = mask_of(image=both, region=WHOLE, faces="1 5")
    assert some.sum() == halves["1"].sum()
    assert report.endswith("there is no face 5")


def test_an_empty_mask_says_so(mask_of, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        mask, report = mask_of(image=torch.full((2, 48, 64, 3), 0.5))
    assert mask.shape == (2, 48, 64)
    assert not mask.any()
    assert "no face found, the mask is empty" in report
    assert caplog.text.count("the mask is empty") == 1
    mask, report = mask_of(image=image(photo(PHOTOS[0])), faces="3")
    assert not mask.any()
    assert report == "1 face found, but no face 3: the mask is empty"
    mask, report = mask_of(keypoints=[write_frame([], 64, 96)])
    assert mask.shape == (1, 64, 96)
    assert "the keypoints have no face, the mask is empty" in report


def test_a_face_of_which_nothing_is_left_is_reported(mask_of, caplog: pytest.LogCaptureFixture):
    body = render(PORTRAITS[2], kind="portrait").joints[0].astype(float)
    behind = body.copy()
    behind[[0, 14, 15], 2] = 0.2
    no_face = "the keypoints have no face, the mask is empty"
    for points, given, why in (
        (body, {"grow": -200}, "1 face found: mouth, brows and eyes; but the mask is empty: grow -200 shrinks it to"),
        (body + np.array([300, 0, 0]), {}, no_face),
        (behind, {}, no_face),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            mask, report = mask_of(keypoints=[write_frame([Person(points)], 256, 256)], **given)
        assert not mask.any()
        assert report.startswith(why)
        assert "of the picture" not in report
        assert why in caplog.text


def test_a_batch_gets_a_mask_each(mask_of):
    pictures = [
        render(PORTRAITS[0], kind="portrait").image,
        render(HELD_OUT, kind="interior").image,
        render(PORTRAITS[1], kind="portrait").image,
    ]
    masks, report = mask_of(image=image(*pictures))
    assert [bool(mask.any()) for mask in masks] == [True, False, True]
    assert "picture 2: no face found" in report
    for mask, picture in zip(masks, pictures, strict=True):
        assert torch.equal(mask_of(image=image(picture))[0][0], mask)


def test_grown_first_then_feathered_inside(mask_of):
    picture = image(photo(PHOTOS[0]))
    plain, wide, soft = (
        mask_of(image=picture, region=MOUTH, **more)[0][0].numpy()
        for more in ({}, {"grow": 10}, {"grow": 10, "feather": 6})
    )
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (19, 19))
    assert (wide >= cv2.dilate(plain, disc)).all()
    assert wide.sum() < 1.2 * cv2.dilate(plain, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (21, 21))).sum()
    assert np.array_equal(soft > 0, wide > 0)
    assert 0 < soft[soft > 0].min() < 0.25
    assert soft.max() == 1
    assert mask_of(image=picture, region=MOUTH, grow=-5)[0].sum() < plain.sum()


@pytest.mark.parametrize("degrees", [-60, 25, 180])
@pytest.mark.parametrize("with_points", [True, False])
def test_a_turned_face_gets_a_turned_mask(networks: dict[str, ConvGraph], degrees: int, with_points: bool):
    (face,) = find_faces(networks, photo(PHOTOS[0]))
    assert face.points is not None
    matrix = cv2.getRotationMatrix2D((320, 320), degrees, 1.0)

    def turned(points: np.ndarray) -> np.ndarray:
        return points[..., :2] @ matrix[:, :2].T + matrix[:, 2]

    points = np.concatenate([turned(face.points), face.points[:, 2:]], axis=1) if with_points else None
    other = Face(turned(face.eyes), turned(face.mouth), points)
    straight = Face(face.eyes, face.mouth, face.points if with_points else None)
    for region in REGIONS:
        expected = cv2.warpAffine(draw_face_mask([straight], (640, 640), region), matrix, (640, 640)) > 0.5
        got = draw_face_mask([other], (640, 640), region) > 0
        assert (got & expected).sum() > 0.96 * (got | expected).sum(), region


def test_keypoints_are_believed_at_the_size_of_the_picture(mask_of):
    scene = render(PORTRAITS[2], kind="portrait")
    frame = write_frame([Person(scene.joints[0].astype(float))], 256, 256)
    small, report = mask_of(keypoints=[frame])
    assert small.shape == (1, 256, 256)
    assert report.startswith("1 face found: mouth, brows and eyes, ")
    large, _ = mask_of(keypoints=[frame], image=torch.zeros(1, 512, 512, 3))
    assert large.shape == (1, 512, 512)
    shrunk = torch.nn.functional.avg_pool2d(large, 2) > 0.5
    assert (shrunk & (small > 0)).sum() > 0.95 * (shrunk | (small > 0)).sum()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "image: nothing is connected. Connect image, or keypoints"),
        ({"image": torch.zeros(1, 8, 8, 3), "faces": "first"}, "faces: 'first' is not the number of a face"),
        ({"image": torch.zeros(1, 8, 8, 3), "faces": "0"}, "faces: '0' is not the number"),
        ({"image": torch.zeros(8, 8, 3)}, "image: expected pictures"),
        ({"keypoints": [write_frame([], 64, 96)], "image": torch.zeros(1, 64, 64, 3)}, "of another shape"),
        ({"keypoints": [write_frame([], 8, 8)] * 2, "image": torch.zeros(3, 8, 8, 3)}, "2 frames for 3 pictures"),
        ({"keypoints": [{"people": []}]}, "no frame says its canvas_width"),
    ],
)
def test_bad_input_is_refused(mask_of, given: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=words):
        mask_of(**given)


def test_numbers_of_faces():
    assert choose_faces("all", 3) == ([0, 1, 2], [])
    assert choose_faces(" 3; 1,3 ", 3) == ([2, 0], [])
    assert choose_faces("2 4", 3) == ([1], [4])
    with pytest.raises(ValueError, match="region: 'nose' is unknown"):
        draw_face_mask([], (8, 8), "nose")
