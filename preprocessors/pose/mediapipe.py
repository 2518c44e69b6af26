"""People with body, hands and face from the shipped networks: MoveNet finds people, MediaPipe their points.

MoveNet (several people, COCO-17) -> BlazePose on each (33 points -> OpenPose's 18) -> palms near the wrists -> hands;
face near the eyes -> 468 points -> OpenPose's 70. What a later network does not find keeps the earlier one's answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ..pictures import Bytes
from .face68 import FACE68
from .mediapipe_nets import (
    FACE,
    PALM,
    Crop,
    Detection,
    Landmarks,
    Network,
    crop_between,
    crop_body_again,
    crop_face,
    crop_palm,
    detect,
    find_body_landmarks,
    find_face_landmarks,
    find_hand_landmarks,
)
from .movenet import FoundPerson, find_movenet_people
from .people import ELBOWS, HAND_POINTS, SHOULDERS, WRISTS, Floats, Person, drop_outside

Networks: TypeAlias = Mapping[str, Network]
BODY_NETWORKS = ("movenet", "pose_landmark")
HAND_NETWORKS = ("palm_detection", "hand_landmark")
FACE_NETWORKS = ("face_detection", "face_landmark")

# OpenPose's 18 points in MoveNet's COCO-17 and in BlazePose's 33; the neck (index 1) is the middle of the shoulders.
COCO17 = (0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
BLAZE33 = (0, -1, 12, 14, 16, 11, 13, 15, 24, 26, 28, 23, 25, 27, 5, 2, 8, 7)
EYES68 = (range(36, 42), range(42, 48))  # their centres stand for the pupils, which these 468 points lack

PERSON_SCORE = 0.2
BODY_SCORE = 0.5
# Of whom MoveNet is less sure than this (TensorFlow.js's own limit), BlazePose must be: most are lamps, roofs and cats.
PERSON_SURE, BODY_SURE = 0.25, 0.9
POINT_SCORE = 0.3
SAME_BODY = 0.35  # mean distance of the points, in extents of the body
PALM_SCORE = 0.5
HAND_SCORE = 0.5
SAME_HAND = 0.35  # mean distance of the points, in extents of the hand
FACE_SCORE = 0.5
# How far from where it is expected a palm or a face is looked for, and a hand's wrist may lie; in sides of the box.
_NEAR_BOX, _NEAR_WRIST = 0.3, 0.2
_SMALLEST_BOX = 20.0  # pixels


def find_people(networks: Networks, picture: Bytes, hands: bool = False, face: bool = False) -> list[Person]:
    """The people of uint8 [H, W, 3] RGB, best first, with all their points, unsure ones too, in its pixels.

    networks: by registry name; those of unused parts may be absent.
    """
    found = find_movenet_people(networks["movenet"], picture, score=PERSON_SCORE)
    bodies = [body.as_found for body in look_at_bodies(networks["pose_landmark"], picture, found)]
    return add_parts(networks, picture, bodies, hands, face)


def add_parts(networks: Networks, picture: Bytes, bodies: Sequence[Floats], hands: bool, face: bool) -> list[Person]:
    """The people of uint8 [H, W, 3] whose bodies [18, 3] are known, with their hands and faces if asked for."""
    height, width = picture.shape[:2]
    people = [Person(drop_outside(body, height, width)) for body in bodies]
    if hands:
        pairs = _hands(networks, picture, bodies)
        people = [
            Person(p.body, *_drop_outside_parts(pair, height, width)) for p, pair in zip(people, pairs, strict=True)
        ]
    if face:
        faces = _faces(networks, picture, bodies)
        people = [
            Person(p.body, p.left, p.right, *_drop_outside_parts((f,), height, width))
            for p, f in zip(people, faces, strict=True)
        ]
    return [person for person in people if drop_unsure(person.body)[:, 2].any()]


def _drop_outside_parts(parts: Sequence[Floats | None], height: int, width: int) -> list[Floats | None]:
    return [None if part is None else drop_outside(part, height, width) for part in parts]


@dataclass(frozen=True)
class BodyLooks:
    """What the networks say of one person, each as OpenPose's 18 points [18, 3] in pixels of the picture.

    coarse: MoveNet. first, second: BlazePose's looks; the second is None where the first found nobody, or another
    person. side: of the second look's crop, in pixels. person_score: MoveNet's, of the whole. body_score: the lower one
    of BlazePose's.
    """

    coarse: Floats
    first: Floats
    second: Floats | None
    side: float
    person_score: float
    body_score: float

    @property
    def as_found(self) -> Floats:
        """The points as the best network gives them."""
        return self.coarse if self.second is None else self.second


def look_at_bodies(net: Network, picture: Bytes, found: Sequence[FoundPerson]) -> list[BodyLooks]:
    """Each person as MoveNet and BlazePose see it. Who is none is left out."""
    looked = find_body_landmarks(net, picture, [crop_body(person) for person in found])
    people = [i for i, body in enumerate(looked) if found[i].score >= PERSON_SURE or body.score >= BODY_SURE]
    found, first = [found[i] for i in people], [looked[i] for i in people]
    again = [
        i
        for i, body in enumerate(first)
        if body.score > BODY_SCORE and np.hypot(*(body.points[34] - body.points[33])) > 1
    ]
    second = dict(
        zip(again, find_body_landmarks(net, picture, [crop_body_again(first[i]) for i in again]), strict=True)
    )
    bodies = []
    for index, person in enumerate(found):
        coarse, body = to_openpose18(person.points, COCO17), second.get(index)
        fine = None if body is None or body.score < BODY_SCORE else to_openpose18(_score(body), BLAZE33)
        if fine is not None and not _agree(drop_unsure(fine), drop_unsure(coarse)):
            fine = None
        glance = to_openpose18(_score(first[index]), BLAZE33)
        side = 1.0 if body is None else crop_body_again(first[index]).side
        score = min(first[index].score, 0.0 if body is None else body.score)
        bodies.append(BodyLooks(coarse, glance, fine, side, person.score, score))
    return bodies


def crop_body(person: FoundPerson) -> Crop:
    """The circle that BlazePose expects: around the middle of the hips, through the farthest point, shoulders up."""
    points, score = person.points[:, :2], person.points[:, 2]
    hips, shoulders = points[[11, 12]].mean(0), points[[5, 6]].mean(0)
    seen = points[score > PERSON_SCORE] if (score > PERSON_SCORE).sum() > 2 else points
    up = shoulders - hips
    length = np.hypot(*up)
    up = up / length if length > 1e-3 else np.array([0.0, -1.0])
    reach = max(float(np.hypot(*(seen - hips).T).max()) * 1.1, 1.0)
    return crop_between(hips, hips + up * reach, 1.25)


def to_openpose18(points: Floats, order: tuple[int, ...]) -> Floats:
    """[N, 3] -> [18, 3]; the neck is the middle of the shoulders, as sure as the less sure one."""
    body = points[list(order)].copy()
    body[1] = (body[2] + body[5]) / 2
    body[1, 2] = min(body[2, 2], body[5, 2])
    return body


def drop_unsure(body: Floats) -> Floats:
    """The body [18, 3] without its unsure points: those that decide where hands and faces are looked for."""
    return np.where(body[:, 2:] < POINT_SCORE, 0.0, body)


def _agree(a: Floats, b: Floats) -> bool:
    """Whether BlazePose (a) looked at the person that it was sent to (b) and not at a neighbour."""
    both = (a[:, 2] > 0) & (b[:, 2] > 0)
    if both.sum() < 2:
        return False
    extent = max(1.0, float(np.hypot(*np.ptp(b[both, :2], axis=0))))
    return float(np.median(np.hypot(*(a[both, :2] - b[both, :2]).T))) < SAME_BODY * extent


def find_hand_box(body: Floats, side: str) -> Crop | None:
    """Where the hand of that side must be: OpenPose's rule (centre wrist + 0.33 forearm, side 1.5 of the forearm),
    twice
    as large because the palm detector wants the hand to be a part of its view. None without wrist or elbow."""
    wrist, elbow, shoulder = (body[table[side]] for table in (WRISTS, ELBOWS, SHOULDERS))
    if not (wrist[2] and elbow[2]):
        return None
    forearm = wrist[:2] - elbow[:2]
    length = np.hypot(*forearm)
    if shoulder[2]:
        length = max(length, 0.9 * np.hypot(*(elbow[:2] - shoulder[:2])))
    x, y = wrist[:2] + 0.33 * forearm
    return Crop(float(x), float(y), max(_SMALLEST_BOX, 3.0 * float(length)))


def _hands(networks: Networks, picture: Bytes, bodies: Sequence[Floats]) -> list[tuple[Floats | None, Floats | None]]:
    """(left, right) of each person. One hand is given to one wrist only: the nearest, measured in forearms."""
    wanted = [
        (index, side, box)
        for index, body in enumerate(bodies)
        for side in ("left", "right")
        if (box := find_hand_box(drop_unsure(body), side)) is not None
    ]
    palms = detect(networks["palm_detection"], PALM, picture, [box for _, _, box in wanted], PALM_SCORE)
    tries = [
        (index, side, box, crop_palm(palm))
        for (index, side, box), found in zip(wanted, palms, strict=True)
        for palm in _nearest(found, bodies[index][WRISTS[side]], box)
    ]
    looked = find_hand_landmarks(networks["hand_landmark"], picture, [crop for *_, crop in tries])
    candidates = []
    for (index, side, box, _), (hand, _) in zip(tries, looked, strict=True):
        away = np.hypot(*(hand.points[0] - bodies[index][WRISTS[side], :2])) / box.side
        if hand.score > HAND_SCORE and away < _NEAR_WRIST:
            candidates.append((away, index, side, hand))
    taken: dict[tuple[int, str], Landmarks] = {}
    for _, index, side, hand in sorted(candidates, key=lambda c: c[0]):
        if (index, side) not in taken and not any(_same_hand(hand, other) for other in taken.values()):
            taken[index, side] = hand
    hands = {key: _score(hand) for key, hand in taken.items()}
    return [(hands.get((index, "left")), hands.get((index, "right"))) for index in range(len(bodies))]


def _nearest(palms: Sequence[Detection], wrist: Floats, box: Crop) -> list[Detection]:
    """The palm nearest to the wrist, if one is near."""
    near = [(float(np.hypot(*(palm.points[0] - wrist[:2]))), i) for i, palm in enumerate(palms)]
    return [palms[i] for distance, i in sorted(near)[:1] if distance < _NEAR_BOX * box.side]


def _same_hand(a: Landmarks, b: Landmarks) -> bool:
    extent = max(1.0, float(np.hypot(*np.ptp(a.points, axis=0))))
    return float(np.hypot(*(a.points - b.points).T).mean()) < SAME_HAND * extent


def _score(found: Landmarks) -> Floats:
    """[N, 3]: the points and how sure each is."""
    return np.concatenate([found.points, found.visible[:, None]], axis=1)


def find_face_box(body: Floats) -> Crop | None:
    """A square around the head: from the nose and the farthest of eyes and ears. None without a nose or an eye."""
    head = body[[0, 14, 15, 16, 17]]
    seen = head[head[:, 2] > 0, :2]
    if len(seen) < 2:
        return None
    centre = seen.mean(0)
    reach = float(np.hypot(*(seen - centre).T).max())
    neck = body[1]
    if neck[2]:
        reach = max(reach, 0.4 * float(np.hypot(*(neck[:2] - centre))))
    return Crop(float(centre[0]), float(centre[1]), max(_SMALLEST_BOX, 5.0 * reach))


def _faces(networks: Networks, picture: Bytes, bodies: Sequence[Floats]) -> list[Floats | None]:
    """70 points of each person's face, or None."""
    boxes = [(index, find_face_box(drop_unsure(body))) for index, body in enumerate(bodies)]
    wanted = [(index, box) for index, box in boxes if box is not None]
    found = detect(networks["face_detection"], FACE, picture, [box for _, box in wanted], FACE_SCORE)
    tries = []
    for (index, box), faces in zip(wanted, found, strict=True):
        near = sorted(faces, key=lambda f: float(np.hypot(f.x - box.x, f.y - box.y)))
        if near and np.hypot(near[0].x - box.x, near[0].y - box.y) < _NEAR_BOX * box.side:
            tries.append((index, crop_face(near[0])))
    looked = find_face_landmarks(networks["face_landmark"], picture, [crop for _, crop in tries])
    out: list[Floats | None] = [None] * len(bodies)
    for (index, _), face in zip(tries, looked, strict=True):
        if face.score > FACE_SCORE:
            out[index] = to_face70(face)
    return out


def to_face70(face: Landmarks) -> Floats:
    """468 points -> OpenPose's 70: the usual 68 and the two pupils (here: the middle of each eye's outline)."""
    points = face.points[list(FACE68)]
    pupils = [points[list(eye)].mean(0) for eye in EYES68]
    both = np.concatenate([points, pupils])
    return np.concatenate([both, np.full((len(both), 1), face.score)], axis=1)


def list_networks(hands: bool, face: bool) -> tuple[str, ...]:
    """Registry names of the networks that these switches need."""
    return BODY_NETWORKS + (HAND_NETWORKS if hands else ()) + (FACE_NETWORKS if face else ())


assert len(FACE68) == 68
assert HAND_POINTS == 21
