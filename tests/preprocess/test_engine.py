"""Where the preprocess family looks for weights, and that it fetches only when told to."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from steer.preprocessors.weights import REGISTRY, WeightFile, locate


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_controlnet_auxs_own_download_is_found(comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch):
    import folder_paths
    from steer.nodes.preprocess import engine

    nodes = empty_cache / "custom_nodes"
    file = nodes / "ComfyUI_ControlNet_Aux" / "ckpts" / "lllyasviel" / "Annotators" / "body_pose_model.pth"
    weight = REGISTRY["openpose_body"]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "custom_nodes", ([str(nodes)], set()))
    assert locate(weight, engine.weight_folders()) is None
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    assert locate(weight, engine.weight_folders()) == file


def test_folders_of_extra_model_paths_come_first(comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch):
    import folder_paths
    from steer.nodes.preprocess import engine

    assert engine.weight_folders()[0] == Path(folder_paths.models_dir) / "annotators"
    own = empty_cache / "shared" / "annotators"
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "annotators", ([str(own)], set()))
    assert engine.weight_folders()[0] == own
    assert engine.weight_folders()[-1] == empty_cache / "hub"


def test_only_missing_weights_are_fetched_and_shipped_ones_never(
    comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    from steer.nodes.preprocess import engine

    content = b"weights"
    here = WeightFile("here", "here.pth", hashlib.sha256(content).hexdigest(), len(content), "MIT", "", "some/where")
    absent = WeightFile("absent", "absent.pth", "", 9, "MIT", "", "some/where")
    monkeypatch.setitem(REGISTRY, "here", here)
    monkeypatch.setitem(REGISTRY, "absent", absent)
    folder = empty_cache / "annotators"
    folder.mkdir()
    (folder / "here.pth").write_bytes(content)
    monkeypatch.setattr(engine, "weight_folders", lambda: [folder])
    asked: list[tuple[str, Path]] = []
    monkeypatch.setattr(engine, "download", lambda weight, to, progress: asked.append((weight.name, to)))
    engine.fetch_missing(["movenet", "here", "absent"])
    assert asked == [("absent", folder / "some" / "where")]
