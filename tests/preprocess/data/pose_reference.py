"""Recipe of the reference data pose/people.npz (pose/movenet.json has its own, movenet_reference.mjs).

    python pose_reference.py WHEEL    (needs Steer's environment and ai-edge-litert; run from the checkout's root)

The chain of preprocessors/pose/mediapipe.py on each photograph of tests/support/pose_photos.py, with the five
MediaPipe networks run
by ai-edge-litert 2.3.0 from the untouched .tflite files of the mediapipe 0.10.21 wheel.
"""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "pose"


def load_pack() -> None:
    path = Path.cwd() / "runner" / "pack.py"
    spec = importlib.util.spec_from_file_location("steer_pack_loader", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load_pack()


def make_people(wheel: str) -> None:
    import torch
    from ai_edge_litert.interpreter import Interpreter
    from pose_photos import PHOTOS, photo
    from steer.preprocessors.networks.build import TFLITE
    from steer.preprocessors.networks.graph import load_graph
    from steer.preprocessors.pose.mediapipe import drop_unsure, find_people, list_networks

    def original(name: str):
        path, outputs = TFLITE[name]
        with zipfile.ZipFile(wheel) as archive:
            interpreter = Interpreter(model_content=archive.read(f"mediapipe/modules/{path}.tflite"), num_threads=1)
        interpreter.allocate_tensors()
        where = {entry["name"]: entry["index"] for entry in interpreter.get_output_details()}
        start = interpreter.get_input_details()[0]["index"]

        def run(x: torch.Tensor) -> list[torch.Tensor]:
            rows = []
            for one in x.permute(0, 2, 3, 1).contiguous().numpy():
                interpreter.set_tensor(start, one[None])
                interpreter.invoke()
                rows.append([interpreter.get_tensor(where[name]) for name in outputs])
            stacked = [torch.from_numpy(np.concatenate(column)) for column in zip(*rows, strict=True)]
            return [y.permute(0, 3, 1, 2) if y.ndim == 4 else y for y in stacked]

        return run

    networks = {name: original(name) if name in TFLITE else load_graph(name) for name in list_networks(True, True)}
    found = {}
    for name in PHOTOS:
        for number, person in enumerate(find_people(networks, photo(name), hands=True, face=True)):
            for part, points in (person.parts | {"body": drop_unsure(person.body)}).items():
                if points is not None:
                    found[f"{name}/{number}/{part}"] = points.astype(np.float32)
        print(name, sorted(key for key in found if key.startswith(name + "/")))
    np.savez_compressed(FOLDER / "people.npz", **found)


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd() / "tests" / "support"))
    load_pack()
    make_people(sys.argv[1])
