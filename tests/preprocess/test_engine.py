"""Where the preprocess family looks for weights, and that it fetches only where the user allows it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from steer.preprocessors.networks.registry import REGISTRY, WeightFile, list_candidates, require


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_controlnet_auxs_own_download_is_found(comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch):
    import folder_paths
    from steer.nodes.preprocess import comfy_networks

    nodes = empty_cache / "custom_nodes"
    file = nodes / "ComfyUI_ControlNet_Aux" / "ckpts" / "lllyasviel" / "Annotators" / "body_pose_model.pth"
    weight = REGISTRY["openpose_body"]
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "custom_nodes", ([str(nodes)], set()))
    assert file not in list_candidates(weight, comfy_networks.list_weight_folders())
    file.parent.mkdir(parents=True)
    assert file in list_candidates(weight, comfy_networks.list_weight_folders())


def test_the_folder_in_controlnet_auxs_variable_is_looked_in(comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch):

    from steer.nodes.preprocess import comfy_networks

    assert empty_cache not in comfy_networks.list_weight_folders()
    monkeypatch.setenv("AUX_ANNOTATOR_CKPTS_PATH", str(empty_cache))
    assert empty_cache in comfy_networks.list_weight_folders()[1:]


def test_a_damaged_file_is_fetched_again_and_what_is_loaded_is_not_looked_for(
    comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
):

    from steer.nodes.preprocess import comfy_networks

    content = b"weights"
    weight = WeightFile("torn", "torn.pth", hashlib.sha256(content).hexdigest(), len(content), "MIT", "", "some/where")
    monkeypatch.setitem(REGISTRY, "torn", weight)
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [empty_cache])
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    damaged = empty_cache / "torn.pth"  # comes before the folder of downloads
    damaged.write_bytes(b"weig")

    def fetch(weight: WeightFile, to: Path, progress: object) -> None:
        to.mkdir(parents=True)
        (to / weight.file).write_bytes(content)

    monkeypatch.setattr(comfy_networks, "download", fetch)
    comfy_networks.fetch_missing(["torn"])
    assert require(weight, comfy_networks.list_weight_folders()) == empty_cache / "some" / "where" / "torn.pth"
    monkeypatch.setattr(comfy_networks, "download", lambda *_: pytest.fail("it is there, or loaded"))
    comfy_networks.fetch_missing(["torn"])
    comfy_networks.CACHE.get("torn", lambda: torch.nn.Linear(1, 1))
    (empty_cache / "some" / "where" / "torn.pth").unlink()
    comfy_networks.fetch_missing(["torn"])


def test_networks_are_loaded_whole(comfy, monkeypatch: pytest.MonkeyPatch):
    """ComfyUI leaves parts of a model on the CPU when memory is short; only its own layers can work so."""
    import comfy.model_management as management
    from steer.nodes.preprocess import comfy_networks

    full_loads: list[bool] = []
    load = management.load_models_gpu

    def recorded(models: Any, *more: Any, **options: Any) -> None:
        full_loads.append(options["force_full_load"])
        load(models, *more, **options)

    monkeypatch.setattr(management, "load_models_gpu", recorded)
    monkeypatch.setattr(comfy_networks, "CACHE", comfy_networks.DetectorCache())
    comfy_networks.load_networks({"one": lambda: torch.nn.Linear(1, 1)})
    assert full_loads == [True]


def test_folders_of_extra_model_paths_come_first(comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch):
    import folder_paths
    from steer.nodes.preprocess import comfy_networks

    assert comfy_networks.list_weight_folders()[0] == Path(folder_paths.models_dir) / "annotators"
    own = empty_cache / "shared" / "annotators"
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "annotators", ([str(own)], set()))
    assert comfy_networks.list_weight_folders()[0] == own
    assert comfy_networks.list_weight_folders()[-1] == empty_cache / "hub"


def test_only_missing_weights_are_fetched_and_shipped_ones_never(
    comfy, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
):

    from steer.nodes.preprocess import comfy_networks

    content = b"weights"
    here = WeightFile("here", "here.pth", hashlib.sha256(content).hexdigest(), len(content), "MIT", "", "some/where")
    absent = WeightFile("absent", "absent.pth", "", 9, "MIT", "", "some/where")
    monkeypatch.setitem(REGISTRY, "here", here)
    monkeypatch.setitem(REGISTRY, "absent", absent)
    folder = empty_cache / "annotators"
    folder.mkdir()
    (folder / "here.pth").write_bytes(content)
    monkeypatch.setattr(comfy_networks, "list_weight_folders", lambda: [folder])
    fetched: list[tuple[str, Path]] = []
    monkeypatch.setattr(comfy_networks, "download", lambda weight, to, progress: fetched.append((weight.name, to)))
    comfy_networks.fetch_missing(["movenet", "here", "absent"])
    assert fetched == [("absent", folder / "some" / "where")]
