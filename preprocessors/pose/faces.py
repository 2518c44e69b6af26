"""Faces in a picture, by the shipped networks or from keypoints: eyes, mouth, and all 70 points where there are any.

BlazeFace sees faces that fill a good part of its view, but not all of it. So the picture is looked at whole, in
overlapping parts, and from further away, with grey around it. Every find is looked at again closely. Drawn faces are
found so, too; on those the network of 468 points often gives up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..pictures import Bytes
from .mediapipe import EYES68, FACE_NETWORKS, FACE_SCORE, Networks, to_face70
from .mediapipe_nets import FACE, Crop, Detection, Network, crop_face, detect, find_face_landmarks
from .people import FACE_POINTS, Floats, Person

NETWORKS = FACE_NETWORKS

LIPS68 = range(48, 60)
_FINER = (2, 4)  # how many times finer the parts are than the whole picture
_WIDER = (1.4, 2.0, 2.6)  # how many times wider than the picture it is seen, for faces that fill it
_AROUND, _AROUND_SIDE = 127, 512  # the grey around it, which is better than black; its longer side then, in pixels
_CLOSER = (2.0, 2.5, 3.0)  # sides of a closer look, in sides of the face
# Mean scores of the closer looks. Of what was seen only in a part, more is asked: those hold more that looks like one.
_LIKELY, _CERTAIN = 0.5, 0.7
_SAME = 0.6  # finds nearer than this many sides are one face
_STILL_THE_SAME = 0.35  # in a closer look
_NOSE_TO_MOUTH = 1.8  # the mouth lies this far below the eyes, in distances from the eyes to the nose
_POINT_SCORE = 0.3


@dataclass(frozen=True)
class Face:
    """A face in pixels of the picture.

    eyes: [2, 2], the x and y of their centres, from the left of the picture. mouth: [2], its centre. points: [70, 3],
    x, y and score in OpenPose's order, or None.
    """

    eyes: Floats
    mouth: Floats
    points: Floats | None = None


def find_faces(networks: Networks, picture: Bytes) -> list[Face]:
    """The faces of uint8 [H, W, 3] RGB, from left to right. networks: by the names in NETWORKS."""
    found = _detections(networks, picture)
    looked = find_face_landmarks(networks["face_landmark"], picture, [crop_face(one) for one, _ in found])
    faces = []
    for (one, is_certain), landmarks in zip(found, looked, strict=True):
        if landmarks.score > FACE_SCORE:
            faces.append(face_from_points(to_face70(landmarks)))
        elif is_certain:
            faces.append(Face(_order(one.points[:2]), one.points[3]))
    return order_faces(faces)


def order_faces(faces: Sequence[Face]) -> list[Face]:
    """From left to right."""
    return sorted(faces, key=lambda face: float(face.eyes[:, 0].mean()))


def _detections(networks: Networks, picture: Bytes) -> list[tuple[Detection, bool]]:
    """What looks like a face also when it is looked at closely, and whether that alone is enough."""
    net = networks["face_detection"]
    kept = _look(net, picture, _views(*picture.shape[:2]))
    for large, is_certain in _look_from_afar(net, picture):
        if all(_away(large, other) >= _SAME for other, _ in kept):
            # what looked like a face inside a face was its mouth or an eye
            kept = [(other, sure) for other, sure in kept if not _is_inside(other, large)]
            kept.append((large, is_certain))
    return kept


def _look(net: Network, picture: Bytes, views: Sequence[Crop]) -> list[tuple[Detection, bool]]:
    """The faces that are seen in the views, of which the first is the whole picture, best first.

    Each with whether that alone is enough.
    """
    first = [
        (one, number == 0)
        for number, found in enumerate(detect(net, FACE, picture, views, FACE_SCORE))
        for one in found
    ]
    crops = [Crop(one.x, one.y, closer * _side(one)) for one, _ in first for closer in _CLOSER]
    looks = iter(detect(net, FACE, picture, crops, FACE_SCORE))
    likely = []
    for one, is_seen_whole in first:
        seen = [_nearest(one, next(looks)) for _ in _CLOSER]
        score = sum(look.score for look in seen if look) / len(_CLOSER)
        if score >= _LIKELY:
            likely.append((score, _mean([look for look in seen if look]), is_seen_whole or score >= _CERTAIN))
    kept: list[tuple[Detection, bool]] = []
    for _, one, is_certain in sorted(likely, key=lambda entry: -entry[0]):
        same = [number for number, (other, _) in enumerate(kept) if _away(one, other) < _SAME]
        if not same:
            kept.append((one, is_certain))
        else:
            kept[same[0]] = kept[same[0]][0], kept[same[0]][1] or is_certain
    return kept


def _views(height: int, width: int) -> list[Crop]:
    """The whole picture first, then squares of a half and of a quarter of its longer side, each half over the next."""
    longer = max(height, width)
    views = [Crop(width / 2, height / 2, longer)]
    for finer in _FINER:
        side = longer / finer
        views += [Crop(x, y, side) for y in _centres(height, side) for x in _centres(width, side)]
    return views


def _look_from_afar(net: Network, picture: Bytes) -> list[tuple[Detection, bool]]:
    """As `_look`, with the picture in the middle of a grey surface. A face that fills it needs few pixels."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, _AROUND_SIDE / max(height, width))
    small = cv2.resize(
        picture, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
    )
    side = max(small.shape[:2])
    around = side  # of every side: the widest view and the closer looks stay inside
    wide = np.asarray(
        cv2.copyMakeBorder(small, around, around, around, around, cv2.BORDER_CONSTANT, value=(_AROUND,) * 3), np.uint8
    )
    middle = wide.shape[1] / 2, wide.shape[0] / 2
    found = _look(net, wide, [Crop(*middle, wider * side) for wider in _WIDER])

    def to_picture(one: Detection) -> Detection:
        x, y = ((place - around) / scale for place in (one.x, one.y))
        points = (one.points - around) / scale
        return Detection(x, y, one.width / scale, one.height / scale, points, one.score)

    return [(to_picture(one), is_certain) for one, is_certain in found]


def _is_inside(one: Detection, large: Detection) -> bool:
    """Whether the middle of `one` lies in the box of `large`, which is the larger."""
    return (
        abs(one.x - large.x) < large.width / 2 and abs(one.y - large.y) < large.height / 2 and _side(one) < _side(large)
    )


def _centres(length: int, side: float) -> list[float]:
    if length <= side:
        return [length / 2]
    return [float(x) for x in np.linspace(side / 2, length - side / 2, int(np.ceil(2 * (length / side - 1))) + 1)]


def _side(one: Detection) -> float:
    return max(one.width, one.height, 1.0)


def _away(one: Detection, other: Detection) -> float:
    """How far apart two finds are, in sides of the larger one."""
    return float(np.hypot(one.x - other.x, one.y - other.y)) / max(_side(one), _side(other))


def _nearest(one: Detection, found: Sequence[Detection]) -> Detection | None:
    near = sorted((_away(one, other), number) for number, other in enumerate(found))
    return found[near[0][1]] if near and near[0][0] < _STILL_THE_SAME else None


def _mean(looks: Sequence[Detection]) -> Detection:
    boxes = [[look.x, look.y, look.width, look.height, look.score] for look in looks]
    x, y, width, height, score = (float(value) for value in np.mean(boxes, axis=0))
    return Detection(x, y, width, height, np.mean([look.points for look in looks], axis=0), score)


def face_from_points(points: Floats) -> Face:
    """From OpenPose's 70 points [70, 3], all of them there but the pupils."""
    eyes = np.stack([points[list(eye), :2].mean(0) for eye in EYES68])
    return Face(_order(eyes), points[list(LIPS68), :2].mean(0), points)


def face_of(person: Person) -> Face | None:
    """The face of a person, in its pixels: from its 68 points if all are there, else from nose and eyes of the body.

    None without a nose or an eye.
    """
    if person.face is not None and len(person.face) == FACE_POINTS and person.face[:68, 2].all():
        return face_from_points(person.face)
    head = person.body[[0, 14, 15]]
    sure = head[:, 2] >= _POINT_SCORE
    nose, eyes = head[0, :2], head[1:, :2][sure[1:]]
    if not sure[0] or not len(eyes):
        return None
    if len(eyes) == 2:
        pair = _order(eyes)
        across = pair[1] - pair[0]
    else:  # in profile: the eye that is turned away lies behind the other one
        pair, across = np.stack([eyes[0], eyes[0]]), np.array([1.0, 0.0])
    length = float(np.hypot(*across))
    if not length:
        return None
    down = np.array([-across[1], across[0]]) / length
    middle = pair.mean(0)
    return Face(pair, middle + _NOSE_TO_MOUTH * float((nose - middle) @ down) * down)


def _order(eyes: Floats) -> Floats:
    return eyes[np.argsort(eyes[:, 0])]
