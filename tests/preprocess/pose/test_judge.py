"""What OpenPose hands on of the people it finds: scores that mean something, nobody where nobody is, all of a crowd."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
from marked_joints import SURE, compare, match, photographs_of_nobody
from pose_photos import photo
from steer.preprocessors.networks.graph import ConvGraph, load_graph
from steer.preprocessors.pose.detectors import choose_detector
from steer.preprocessors.pose.judge import find_people, judge_body, shows_back
from steer.preprocessors.pose.mediapipe import POINT_SCORE, BodyLooks, list_networks
from steer.preprocessors.pose.people import Person
from steer.runner.engine import is_own

SAMPLE = (
    "api_nano_banana_pro-2",  # half-length
    "video_wan2_2_14B_t2v-1",  # a bust
    "api_wan_text_to_video-1",  # a back
    "video_wan_vace_14B_v2v-2",  # a dancer
)


@pytest.fixture(scope="module")
def networks() -> dict[str, ConvGraph]:
    return {name: load_graph(name) for name in list_networks(False, True)}


def test_the_node_gets_the_judged_people():
    assert choose_detector("mediapipe").find_people is find_people


@pytest.mark.slow
def test_sure_joints_are_right_and_none_is_invented(networks: Mapping[str, ConvGraph]):
    results = []
    for name in SAMPLE:
        people = find_people(networks, photo(name), face=True)
        assert match(name, people) is not None, name
        results += compare(name, people)
        if name == "api_wan_text_to_video-1":
            assert all(person.face is None for person in people), "a back has no face"
    sure = [one for one in results if one.score >= SURE]
    assert len(sure) >= 6
    assert sum(one.is_right for one in sure) >= 0.9 * len(sure), sure
    assert not [one for one in results if one.score > POINT_SCORE and one.off == np.inf]


@pytest.mark.slow
@pytest.mark.skipif(not is_own(), reason="newer template packages have another picture of that name")
def test_a_face_that_fills_the_picture_is_a_head_without_a_body(networks: Mapping[str, ConvGraph]):
    (person,) = find_people(networks, photo("flux1_krea_dev-1", 400), face=True)
    assert person.face is not None
    assert set(np.flatnonzero(person.body[:, 2])) == {0, 14, 15}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image_qwen_image-1", "api_moonvalley_video_to_video_motion_transfer-1"])
def test_a_neon_street_and_a_horse_are_nobody(networks: Mapping[str, ConvGraph], name: str):
    assert find_people(networks, photo(name), face=True) == []
    assert len(photographs_of_nobody()) >= 15


@pytest.mark.slow
def test_eight_half_length_people_are_eight(networks: Mapping[str, ConvGraph]):
    names = (
        "api_hailuo_minimax_t2v-1",
        "api_nano_banana_pro-2",
        "api_runway_gen4_turo_image_to_video-1",
        "api_vidu_reference_to_video-1",
        "flux1_dev_uso_reference_image_gen-2",
        "video_wan2.1_alpha_t2v_14B-1",
        "video_wan2_2_14B_s2v-1",
        "video_wan_vace_14B_v2v-1",
    )
    tiles = [cv2.resize(photo(name), (320, 320), interpolation=cv2.INTER_AREA) for name in names]
    crowd = np.concatenate([np.concatenate(tiles[:4], axis=1), np.concatenate(tiles[4:], axis=1)])
    people = find_people(networks, crowd)
    cells = {(int(x // 320), int(y // 320)) for x, y in (person.body[1, :2] for person in people)}
    assert len(cells) >= 7
    assert len(people) <= 9


def looks(second: np.ndarray, coarse: np.ndarray | None = None) -> BodyLooks:
    return BodyLooks(second if coarse is None else coarse, second, second, 300.0, 0.8, 1.0)


def standing() -> np.ndarray:
    """Somebody who faces us, in a picture of 200 x 200; the ankles lie below it."""
    body = np.ones((18, 3))
    body[:, :2] = [
        (100, 30), (100, 50), (80, 50), (75, 80), (72, 105), (120, 50), (125, 80), (128, 105), (88, 110), (88, 160),
        (88, 215), (112, 110), (112, 160), (112, 215), (95, 26), (105, 26), (90, 28), (110, 28),
    ]  # fmt: skip
    return body


def test_points_outside_the_picture_are_absent_and_doubt_lowers_a_score():
    body = judge_body(looks(standing()), 200, 200)
    assert (body[[10, 13], 2] == 0).all()
    assert (np.delete(body[:, 2], [10, 13]) > 0.8).all()
    elsewhere = standing()
    elsewhere[4, 0] += 30
    elsewhere[4, 2] = 0.3
    assert judge_body(looks(standing(), elsewhere), 200, 200)[4, 2] < 0.6
    unseen = standing()
    unseen[8:14, 2] = 0.02
    unseen[8:14, 0] += 20
    assert (judge_body(looks(standing(), unseen), 200, 200)[8:14, 2] < 0.3).all(), "hips that only one network sees"


def test_where_one_network_lost_a_point_the_other_ones_is_taken():
    lost, seen = standing(), standing()
    lost[7] = (10, 190, 0.05)
    body = judge_body(BodyLooks(seen, lost, lost, 300.0, 0.8, 1.0), 200, 200)
    assert body[7, :2].tolist() == seen[7, :2].tolist()
    assert POINT_SCORE < body[7, 2] < SURE


@pytest.mark.parametrize("degrees", [0, 90, 180, 250])
def test_a_back_has_no_face_however_it_lies(degrees: int):
    matrix = cv2.getRotationMatrix2D((100, 100), degrees, 0.4)
    front = standing()
    front[:, :2] = front[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    back = front.copy()
    mirrored = [0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16]
    back[:, :2] = back[mirrored, :2]
    assert not shows_back(front)
    assert shows_back(back)
    judged = judge_body(looks(back), 200, 200)
    assert not judged[[0, 14, 15], 2].any()
    assert judged[[2, 5], 2].all()
    assert Person(judged).is_there
