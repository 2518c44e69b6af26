"""How far the points of a person are to be believed: MoveNet and BlazePose judge each other.

BlazePose gives every person a whole body, and is as sure of hips below the picture's edge as of those in it. MoveNet
looks at the same picture in another way, and where both agree they are nearly always right. So the score of a point is
an estimate of how likely it lies within a tenth of the torso of where it should. `python run.py report joints` measures
it on photographs whose joints were marked by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..pictures import Bytes
from .faces import find_faces
from .mediapipe import POINT_SCORE, BodyLooks, Networks, add_parts, look_at_bodies
from .movenet import find_movenet_people
from .people import Floats, Person, drop_outside, no_points

# A logistic regression on every second of the marked photographs: what BlazePose and MoveNet say (logarithms), how far
# MoveNet and BlazePose's own first look lie away (logarithms, in sides of its crop), and which joint it is.
_OFFSET, _BLAZE, _MOVE, _AWAY, _MOVED = -6.97, 0.71, 0.16, -1.06, -0.68
_OF_JOINT = np.zeros(18)
_OF_JOINT[[8, 9, 10, 11, 12, 13]] = -0.83  # hips and legs
_OF_JOINT[[2, 3, 4, 5, 6, 7]] = -0.22  # shoulders and arms
# A point that misses by a little more than a tenth of the torso is worth drawing: a likelihood of 0.25 scores 0.3, the
# least that is drawn, and one of 0.84 scores 0.9.
_KINDNESS = 1.25
# What BlazePose lost and MoveNet sees with the first score or more is there: 65 of 100 are right, and 87 nearly so.
_SEEN, _SEEN_ALONE = 0.4, 0.6
_LEAST_SCORE, _LEAST_AWAY = 0.02, 0.003
_NECK, _SHOULDERS, _HIPS, _EYES, _FACE = 1, (2, 5), (8, 11), (14, 15), [0, 14, 15]

_CANDIDATE = 0.12  # of MoveNet; who scores lower is not looked at
_SURE = 0.2  # who scores lower, as people in profile do, must have a body that both networks see:
_SURE_BODY, _SURE_JOINTS = 0.9, 4.0  # BlazePose's score, and the sum of the points' scores
_LIKELY = 0.4  # of MoveNet, of the whole or of nose and eyes, where BlazePose sees nobody: horses and swans have less
_CLOSE, _SURE_FACE = 0.25, 0.9  # of the picture's shorter side; the score of a face that has no body
_NOSE_TIP = 30  # of the 70 points of a face
_FEWEST = 2  # points that are drawn; a horse has one
_CROWD = 3  # from so many people on the picture is looked at in parts


def find_people(networks: Networks, picture: Bytes, hands: bool = False, face: bool = False) -> list[Person]:
    """The people of uint8 [H, W, 3] RGB, best first, with all their points in its pixels and scores of a meaning.

    Points outside the picture are absent. Who turns his back has no nose and no eyes, and so no face.
    """
    found = find_movenet_people(networks["movenet"], picture, score=_CANDIDATE, crowd=_CROWD)
    looks = look_at_bodies(networks["pose_landmark"], picture, found)
    bodies = [(look, judge_body(look, *picture.shape[:2])) for look in looks]
    people = add_parts(networks, picture, [body for look, body in bodies if _is_person(look, body)], hands, face)
    people = [_without_lost_face(person) for person in people]
    return [*people, *_find_close_faces(networks, picture, people)] if face else people


def judge_body(look: BodyLooks, height: int, width: int) -> Floats:
    """The 18 points [18, 3] with scores that mean a likelihood, and without those outside the picture."""
    if look.second is None:
        return look.coarse
    body = look.second.copy()
    away, moved = (np.hypot(*(body[:, :2] - other[:, :2]).T) / look.side for other in (look.coarse, look.first))
    evidence = (
        _OFFSET
        + _OF_JOINT
        + _BLAZE * np.log(body[:, 2] + _LEAST_SCORE)
        + _MOVE * np.log(look.coarse[:, 2] + _LEAST_SCORE)
        + _AWAY * np.log(np.maximum(away, _LEAST_AWAY))
        + _MOVED * np.log(np.maximum(moved, _LEAST_AWAY))
    )
    body[:, 2] = 1 - (1 + np.exp(evidence)) ** -_KINDNESS
    lost = (body[:, 2] < POINT_SCORE) & (look.coarse[:, 2] >= _SEEN)
    body[lost] = look.coarse[lost]
    body[lost, 2] = _SEEN_ALONE
    body[_NECK, :2] = body[list(_SHOULDERS), :2].mean(0)
    body[_NECK, 2] = body[list(_SHOULDERS), 2].min()
    if shows_back(body):
        body[_FACE, 2] = 0.0
    x, y = body[:, 0], body[:, 1]
    body[(x < 0) | (y < 0) | (x >= width) | (y >= height), 2] = 0.0
    return body


def shows_back(body: Floats) -> bool:
    """Whether shoulders and eyes lie the way round that they do from behind, seen along the body."""
    right, left = body[list(_SHOULDERS), :2]
    down = body[list(_HIPS), :2].mean(0) - body[_NECK, :2]
    eyes = body[_EYES[1], :2] - body[_EYES[0], :2]
    return all(float(across[0] * down[1] - across[1] * down[0]) < 0 for across in (left - right, eyes))


def _is_person(look: BodyLooks, body: Floats) -> bool:
    if look.second is None:
        head = float(look.coarse[_FACE, 2].mean())
        is_likely = max(look.person_score, head) >= _LIKELY or look.body_score >= _SURE_BODY
        return look.person_score >= _SURE and is_likely
    if int((body[:, 2] >= POINT_SCORE).sum()) < _FEWEST:
        return False
    return look.person_score >= _SURE or (look.body_score >= _SURE_BODY and float(body[:, 2].sum()) >= _SURE_JOINTS)


def _without_lost_face(person: Person) -> Person:
    if person.face is None or bool((person.body[_FACE, 2] >= POINT_SCORE).any()):
        return person
    return Person(person.body, person.left, person.right)


def _find_close_faces(networks: Networks, picture: Bytes, people: Sequence[Person]) -> list[Person]:
    """Faces that fill so much of the picture that no body is seen: people with a nose, eyes and 70 points."""
    height, width = picture.shape[:2]
    found = []
    for face in find_faces(networks, picture):
        points = face.points
        if points is None or float(points[0, 2]) < _SURE_FACE:
            continue
        size = float(np.ptp(points[:68, 1]))
        middle = points[:68, :2].mean(0)
        if size < _CLOSE * min(height, width) or any(_is_at(person, middle, size) for person in people):
            continue
        body = no_points()
        body[0] = points[_NOSE_TIP]
        body[list(_EYES), :2], body[list(_EYES), 2] = face.eyes, points[0, 2]
        found.append(Person(drop_outside(body, height, width), face=drop_outside(points, height, width)))
    return found


def _is_at(person: Person, middle: Floats, size: float) -> bool:
    """Whether a point of the person's head or neck lies within a face of that middle and size."""
    head = person.body[[0, 1, *range(14, 18)]]
    return bool((np.hypot(*(head[head[:, 2] > 0, :2] - middle).T) < size).any())
