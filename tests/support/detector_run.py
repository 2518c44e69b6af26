"""Runs every detector that Steer ships on one picture, with the packages that Steer must not need made unfindable.

Usage: detector_run.py CHECKOUT ONNX. Prints JSON: versions of numpy and cv2, what each detector found, and what the
ONNX file, of the kind that DWPose is kept in, answers to a grey picture of 64x64.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import json
import sys
from pathlib import Path

ABSENT = (
    "mediapipe",
    "onnxruntime",
    "onnx",
    "tflite",
    "ai_edge_litert",
    "matplotlib",
    "controlnet_aux",
    "skimage",
    "huggingface_hub",
    "diffusers",
    "comfy",
    "tensorflow",
)


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname.split(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named '{fullname}'", name=fullname)


def main(root: Path, onnx: Path) -> None:
    sys.meta_path.insert(0, Absent())
    spec = importlib.util.spec_from_file_location("steer", root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None
    sys.modules["steer"] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(root / "tests" / "support"))
    import cv2
    import numpy as np
    import torch
    from cmu_maps import synthetic
    from pose_photos import photo
    from steer.preprocessors.canny import canny
    from steer.preprocessors.lines.draw import draw_lines
    from steer.preprocessors.lines.mlsd import find_lsd_lines, find_mlsd_lines, load_mlsd
    from steer.preprocessors.pose.detectors import DETECTORS
    from steer.preprocessors.pose.dwpose import OnnxNet
    from steer.preprocessors.pose.openpose_decode import find_people
    from steer.preprocessors.pose.skeleton import draw_people

    room = cv2.imread(str(root / "tests" / "preprocess" / "data" / "mlsd" / "room3.png"))[..., ::-1]
    lines = find_mlsd_lines(load_mlsd(), room)
    detector = DETECTORS["mediapipe"]
    networks = {name: build() for name, build in detector.list_builders(detector.list_networks(True, True), []).items()}
    people = detector.find_people(networks, photo("api_moonvalley_video_to_video_pose_control-2"), True, True)
    edges = canny(torch.from_numpy(room.copy())[None] / 255, 100, 200).hint
    bodies = find_people(*synthetic(np.random.default_rng(0), 3, 46, 46), (512, 512), (368, 368))
    net = OnnxNet(onnx)
    hints = [draw_lines(lines.segments, 512, 512), draw_people(people, 640, 640)]
    print(
        json.dumps(
            {
                "numpy": np.__version__,
                "cv2": cv2.__version__,
                "lines": lines.segments.round(1).tolist(),
                "lsd": len(find_lsd_lines(room).segments),
                "body": people[0].body.round(1).tolist(),
                "parts": [
                    sum(p.left is not None for p in people),
                    sum(p.right is not None for p in people),
                    sum(p.face is not None for p in people),
                ],
                "edges": int(edges[..., 0].sum()),
                "cmu": np.array(bodies).round(1).tolist(),
                "dwpose": [net.backend, float(net.run(np.full((1, 3, 64, 64), 0.5, np.float32))[0].sum())],
                "white": [int(hint.any(-1).sum()) for hint in hints],
            }
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
