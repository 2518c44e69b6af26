"""The shipped detectors need torch, numpy 2, safetensors and OpenCV only: 5 or 4.14, the same answers with both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx_answers import onnx_file
from pose_photos import photo

ROOT = Path(__file__).resolve().parents[2]
OPENCV_4 = "opencv-python-headless==4.14.0.94"


def run(onnx: Path, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "support" / "detector_run.py"), str(ROOT), str(onnx)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def opencv_4() -> Path:
    """OpenCV 4.14 in a folder of its own inside the environment, installed once."""
    folder = Path(sys.prefix) / "opencv4"
    if not (folder / "cv2").is_dir():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), OPENCV_4]
        subprocess.run(command, check=True)
    return folder


@pytest.mark.slow
def test_all_detectors_run_with_opencv_5_and_4_and_nothing_else(opencv_4: Path, tmp_path: Path):
    photo("api_moonvalley_video_to_video_pose_control-2")  # where there is none the test is skipped
    onnx = tmp_path / "answers.onnx"
    onnx_file(onnx, (64, 64), answer=np.arange(12.0).reshape(1, 3, 4))
    five, four = run(onnx), run(onnx, PYTHONPATH=str(opencv_4))
    assert five["numpy"].startswith("2.")
    assert five["cv2"].startswith("5.")
    assert four["cv2"].startswith("4.14")
    for found in (five, four):
        assert len(found["lines"]) == 100
        assert found["parts"] == [1, 1, 1]
        assert found["lsd"] > 20
        assert min(found["white"]) > 1000
        assert found["dwpose"] == ["OpenCV dnn", 66.0]
    assert five["edges"] == four["edges"] > 1000
    assert five["cmu"] == four["cmu"]
    assert len(five["cmu"]) == 3
    assert np.abs(np.array(five["lines"]) - np.array(four["lines"])).max() < 0.5
    assert np.abs(np.array(five["body"]) - np.array(four["body"])).max() < 2
