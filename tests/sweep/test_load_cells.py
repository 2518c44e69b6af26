"""Load Cells in a real graph: the chosen pictures bit for bit, and plain words where there is none."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from steer.nodes.sweep.folder.changes import MAX_FOLDERS, FoldersRead
from steer.nodes.sweep.folder.manifest import AxisRecord, CellPlan, CellRecord, Manifest

MOODS = AxisRecord("prompt", ("smiling", "angry", "laughing"))
SEEDS = AxisRecord("seed", tuple(f"seed {i}" for i in (3, 30)))
CFG = AxisRecord("cfg", ("cfg 5",))
SHEET = {
    "title": "",
    "columns": 0,
    "column_labels": "",
    "row_labels": "",
    "cell_size": 32,
    "gap": 4,
    "font_size": 12,
    "theme": "dark",
    "only_differences": False,
    "max_megapixels": 8.0,
}


def pixels(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (16, 8 + number, 3), dtype=np.uint8)


class Sweep:
    """Cells 0, 1, 3, 4 of six are done, 2 is missing, 5 is blank. `load` runs a graph and returns its result."""

    def __init__(self, comfy, folder: Path) -> None:
        import folder_paths

        self.comfy, self.manifest, self.temp = comfy, Manifest(folder), Path(folder_paths.get_temp_directory())
        axes = (SEEDS, CFG, MOODS)
        places = list(itertools.product(*(range(len(axis.labels)) for axis in axes)))
        self.cells = [
            CellPlan(f"k{n}", at, tuple(axis.labels[i] for axis, i in zip(axes, at, strict=True)))
            for n, at in enumerate(places)
        ]
        self.manifest.start("moods", axes, self.cells)
        for number in (0, 1, 3, 4):
            self.finish(number)
        self.manifest.record(CellRecord("k5", None, "there is no such LoRA", {}, 0.1))

    def finish(self, number: int) -> None:
        Image.fromarray(pixels(number)).save(self.manifest.folder / f"{number}.png")
        self.manifest.record(CellRecord(f"k{number}", f"{number}.png", None, {}, 0.1))

    def load(self, selection: str = "", limit: int = 64, folder: Any = "moods") -> Any:
        inputs = {"folder": folder, "selection": selection, "limit": limit}
        prompt = {
            "load": {"class_type": "SteerLoadCells", "inputs": inputs},
            "images": {"class_type": "PreviewImage", "inputs": {"images": ["load", 0]}},
            "labels": {"class_type": "PreviewAny", "inputs": {"source": ["load", 1]}},
            "name": {"class_type": "PrimitiveString", "inputs": {"value": "moods"}},
            "sheet": {"class_type": "SteerContactSheet", "inputs": SHEET | {"folder": ["name", 0]}},
            "sheet shown": {"class_type": "PreviewImage", "inputs": {"images": ["sheet", 0]}},
        }
        return self.comfy.run(prompt)

    def load_numbers(self, selection: str = "", limit: int = 64, folder: str = "moods") -> tuple[list[int], list[str]]:
        """The numbers of the cells that came out, read from their very pixels, and their labels."""
        self.comfy.fresh()
        result = self.load(selection, limit, folder)
        assert result.error is None, result.message
        numbers = []
        for image in result.outputs["images"]["images"]:
            with Image.open(self.temp / image["filename"]) as picture:
                found = np.array(picture.convert("RGB"))
            numbers.append(found.shape[1] - 8)
            assert (found == pixels(numbers[-1])).all()
        return numbers, result.outputs["labels"]["text"]


@pytest.fixture
def sweep(comfy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    import folder_paths

    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path / "output"))
    monkeypatch.setattr("steer.nodes.sweep.folder.changes.READ", FoldersRead())
    return Sweep(comfy, tmp_path / "output" / "moods")


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [
        ("", [0, 1, 3, 4]),
        ("angry", [1, 4]),
        ("angry; seed 30", [4]),
        ("  ANGRY ;seed   3; ", [1]),
        ("smiling | angry; seed 3", [0, 1]),
        ("30", [3, 4]),
        ("ngr", [1, 4]),
        ("cfg", [0, 1, 3, 4]),
        ("laughing | smiling", [0, 3]),
        ("angry, seed 30", [4]),
        ("angry\nseed 3", [1]),
        ("smiling, angry, seed 3,", [0, 1]),
        ("smiling, angry; seed 30", [3, 4]),
        ("smiling | laughing, seed 3", [0]),
    ],
)
def test_selection(sweep: Sweep, selection: str, numbers: list[int]):
    assert sweep.load_numbers(selection)[0] == numbers


def test_labels_hold_what_differs(sweep: Sweep):
    assert sweep.load_numbers("seed 3")[1] == ["smiling", "angry"]
    assert sweep.load_numbers("angry")[1] == ["seed 3", "seed 30"]
    assert sweep.load_numbers("angry; seed 3")[1] == ["seed 3, angry"]
    assert sweep.load_numbers("")[1] == ["seed 3, smiling", "seed 3, angry", "seed 30, smiling", "seed 30, angry"]


def test_what_is_left_out_is_reported(sweep: Sweep, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert sweep.load_numbers(limit=3)[0] == [0, 1, 3]
    assert "3 of 6 cells are loaded; 2 have no picture, 1 are beyond the limit" in caplog.text
    assert sweep.load_numbers(limit=0)[0] == [0, 1, 3, 4]


def test_it_runs_again_only_when_the_folder_changes(sweep: Sweep):
    assert "load" in sweep.load().executed
    assert sweep.load().executed == []
    sweep.finish(2)
    assert len(sweep.load().outputs["images"]["images"]) == 5
    (sweep.manifest.folder / "0.png").unlink()
    assert len(sweep.load().outputs["images"]["images"]) == 4
    assert sweep.load().executed == []


def test_a_folder_that_comes_by_a_link_is_looked_at_too(sweep: Sweep):
    """ComfyUI's cache asks before it knows what comes by a link. Contact Sheet takes its folder by one always."""
    linked = ["name", 0]
    assert {"load", "sheet"} <= set(sweep.load(folder=linked).executed)
    assert sweep.load(folder=linked).executed == []
    sweep.finish(2)
    changed = sweep.load(folder=linked)
    assert len(changed.outputs["images"]["images"]) == 5
    assert "sheet" in changed.executed
    assert sweep.load(folder=linked).executed == []
    (sweep.manifest.folder / "0.png").unlink()
    assert len(sweep.load(folder=linked).outputs["images"]["images"]) == 4
    assert sweep.load(folder=linked).executed == []


def test_no_change_of_a_folder_is_lost(sweep: Sweep, tmp_path: Path):
    read = FoldersRead()
    states = [read.state()]
    read.note(sweep.manifest)
    assert read.state() == states[0], "nothing has changed"
    sweep.finish(2)
    read.note(Manifest(sweep.manifest.folder))  # by another node; the first one does not know of it
    states.append(read.state())
    sweep.manifest.path.unlink()
    states.append(read.state())
    for number in range(MAX_FOLDERS):
        read.note(Manifest(tmp_path / f"{number}"))
    states.append(read.state())
    assert len(set(states)) == 4, states
    assert read.state() == states[-1]


def test_a_path_will_do_and_nothing_outside_the_output_folder(sweep: Sweep, tmp_path: Path):
    assert sweep.load_numbers("angry", folder=str(sweep.manifest.folder))[0] == [1, 4]
    outside = Sweep(sweep.comfy, tmp_path / "secret")
    (tmp_path / "output" / "link").symlink_to(tmp_path / "secret")
    for folder in (str(outside.manifest.folder), "../secret", "link", "/etc"):
        assert "lies outside ComfyUI's output folder" in sweep.load(folder=folder).message


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"folder": " "}, "folder: it is empty"),
        ({"folder": "a\0b"}, "folder: it is empty"),
        ({"folder": "mods"}, "there is no 'mods' in ComfyUI's output folder. Nearest are: 'moods'"),
        ({"folder": "."}, "folder: '.' holds no sweep: it has no manifest.jsonl. Nearest are: 'moods'"),
        ({"selection": "angri"}, "selection: no label holds 'angri'. Nearest are: 'angry'"),
        ({"selection": "angry, seed 4"}, "selection: no label holds 'seed 4'. Nearest are: 'seed 3'"),
        ({"selection": "angry; smiling"}, "selection: no cell holds all of: angry, smiling. Two values of one axis"),
        ({"selection": "laughing"}, "none of the 2 cells that it names has a picture yet. One failed with: there is"),
    ],
)
def test_it_says_what_is_wrong(sweep: Sweep, inputs: dict[str, str], message: str):
    assert message in sweep.load(**inputs).message


def test_a_broken_picture_and_an_empty_manifest(sweep: Sweep):
    picture = sweep.manifest.folder / "1.png"
    picture.write_bytes(picture.read_bytes()[:20].ljust(picture.stat().st_size, b"\0"))
    assert "the picture 1.png cannot be read" in sweep.load("angry").message
    sweep.manifest.path.write_bytes(b'{"kind":"gri')
    assert "holds no grid" in sweep.load().message


def test_contact_sheet_of_the_folder(sweep: Sweep):
    from steer.nodes.sweep.sheet.folder_sheet import draw_folder_sheet

    inputs = SHEET | {"folder": ["source", 0]}
    prompt = {
        "source": {"class_type": "PrimitiveString", "inputs": {"value": "moods"}},
        "sheet": {"class_type": "SteerContactSheet", "inputs": inputs},
        "shown": {"class_type": "PreviewImage", "inputs": {"images": ["sheet", 0]}},
    }
    result = sweep.comfy.run(prompt)
    assert result.error is None, result.message
    with Image.open(sweep.temp / result.outputs["shown"]["images"][0]["filename"]) as picture:
        shown = np.array(picture.convert("RGB"))
    expected = (draw_folder_sheet(sweep.manifest, 32, 8.0, gap=4, font_size=12, dark=True)[0] * 255).numpy()
    assert np.abs(shown - expected).max() < 1
    inputs["images"] = ["pictures", 0]
    prompt["pictures"] = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}}
    assert "one of the two" in sweep.comfy.run(prompt).message
