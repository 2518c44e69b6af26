"""Recipe of the M-LSD reference data beside this file: pictures/*.png and lines.npz.

    python mlsd_reference.py pictures CHINA_JPG    (needs opencv, skia-python; run from the checkout's root)
    python mlsd_reference.py lines MLSD_ONNX       (needs onnxruntime, opencv, scikit-image)

The pictures are scikit-learn's china.jpg (danielbuechele, Creative Commons BY 2.0) at 512 x 512 and ten
rooms of demo/scenes; the third subject, scikit-image's astronaut, is 512 x 512 as it ships.
MLSD_ONNX is ONNX/mlsd_512x512_large.onnx of the npm package jp.keijiro.mlsd 1.0.0
(sha256 c54856d88ff908a2feec230d6cab4714e88e99b692b095bb170042640e20f90d). The lines were made with onnxruntime 1.32.0:
the graph's own scores (after sigmoid and 3x3 suppression) and offsets, the 200 best above 0.1, longer than 0.1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "mlsd"


def make_pictures(china: str) -> None:
    import cv2

    sys.path.insert(0, str(Path.cwd()))
    from demo.scenes import render

    photo = cv2.imread(china)
    cv2.imwrite(str(FOLDER / "china.png"), cv2.resize(photo, (512, 512), interpolation=cv2.INTER_AREA))
    for seed in range(10):
        room = render(seed, kind="interior", scale=2).image
        picture = cv2.resize(np.asarray(room)[..., ::-1], (512, 512), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(FOLDER / f"room{seed}.png"), picture)


def make_lines(model: str) -> None:
    import cv2
    import onnxruntime
    from skimage.data import astronaut

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    pictures = {path.stem: cv2.imread(str(path))[..., ::-1] for path in sorted(FOLDER.glob("*.png"))}
    pictures["astronaut"] = astronaut()
    found = {}
    for name, picture in pictures.items():
        x = np.concatenate([picture, np.ones((512, 512, 1))], axis=-1).astype(np.float32)[None]
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(None, {session.get_inputs()[0].name: x}), strict=True))
        found[name] = decode(outputs)
        print(name, len(found[name]))
    np.savez_compressed(FOLDER / "lines.npz", **found)


def decode(outputs: dict[str, np.ndarray]) -> np.ndarray:
    """[N, 5]: x0, y0, x1, y1 in pixels of the 512 x 512 picture, and the score; best first."""
    offsets = next(v for k, v in outputs.items() if "offset" in k.lower()).reshape(256, 256, 4)
    scores = next(v for k, v in outputs.items() if "score" in k.lower()).reshape(256, 256)
    best = np.argsort(-scores.ravel(), kind="stable")[:200]
    y, x = np.divmod(best, 256)
    displacement = offsets[y, x]
    length = np.hypot(*(displacement[:, :2] - displacement[:, 2:]).T)
    keep = (scores[y, x] > 0.1) & (length > 0.1)
    ends = 2 * (np.stack([x, y, x, y], 1) + displacement)
    return np.concatenate([ends, scores[y, x][:, None]], 1)[keep].astype(np.float32)


if __name__ == "__main__":
    {"pictures": make_pictures, "lines": make_lines}[sys.argv[1]](sys.argv[2])
