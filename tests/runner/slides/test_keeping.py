"""What `python run.py` keeps and what it leaves alone; foreign words that look like rich's markup; twins; its port."""

from __future__ import annotations

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.console import Console
from steer.runner.slides.slide import Slide

ODD = "[/x] write a girl, [[expression]] :smile:"


def png(color: int, workflow: bool = True) -> bytes:
    image = Image.new("RGB", (8, 8), (color, 0, 0))
    image.putpixel((0, 0), (0, 0, 255))
    info = PngInfo()
    if workflow:
        info.add_text("workflow", "{}")
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def files_of(*files: tuple[str, str, bytes]) -> list[Any]:
    """Pictures and their contents, of the node, name and content of each."""
    from steer.runner.comfyui.messages import Picture

    return [(Picture(node, name, "", "output"), content) for node, name, content in files]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_only_what_an_earlier_run_wrote_is_replaced(tmp_path: Path):
    from steer.runner.slides.folder import RECORD, keep

    (tmp_path / "mine.png").write_bytes(b"mine")
    (tmp_path / "01-a.png").write_bytes(b"mine too")
    files, checks = keep(tmp_path, files_of(("1", "a.png", png(1)), ("1", "b.png", png(2)), ("2", "c.png", png(3))))
    assert all(checks.values())
    assert [path.name for _, path in files] == ["01-a-2.png", "02-b.png", "03-c.png"]
    (tmp_path / "02-b.png").write_bytes(b"cropped by hand")
    keep(tmp_path, files_of(("1", "d.png", png(4))))
    assert names(tmp_path) == {"mine.png", "01-a.png", "02-b.png", "01-d.png"}
    assert (tmp_path / "01-a.png").read_bytes() == b"mine too"
    outside = tmp_path.parent / "outside.png"
    outside.write_bytes(b"x")
    (tmp_path / RECORD).write_text(json.dumps({"../outside.png": "", "mine.png": ""}), encoding="utf-8")
    keep(tmp_path, [])
    (tmp_path / RECORD).write_text("torn", encoding="utf-8")
    keep(tmp_path, [])
    assert outside.exists()
    assert names(tmp_path) == {"mine.png", "01-a.png", "02-b.png", "01-d.png"}


def test_what_is_no_picture_keeps_its_ending_and_the_same_picture_is_kept_once(tmp_path: Path):
    from steer.runner.slides import gallery
    from steer.runner.slides.folder import keep
    from steer.runner.slides.slide import Slide

    video = b"\0\0\0\x18ftypmp42"
    files, checks = keep(
        tmp_path / "a", files_of(("1", "a.mp4", video), ("2", "b.flac", b"fLaC"), ("3", "c.bin", b"x"))
    )
    assert [path.suffix for _, path in files] == [".mp4", ".flac", ".bin"]
    assert all(checks.values())
    assert files[0][1].read_bytes() == video
    slide = Slide("a", pictures=[path for _, path in files], captions=["1", "2", "3"])
    page = gallery.write([slide], tmp_path).read_text("utf-8")
    assert page.count("<video") == page.count("<audio") == 1
    assert "<img" not in page
    same = files_of(("1", "a.png", png(1)), ("1", "b.png", png(1)), ("2", "c.png", png(1)), ("1", "d.png", png(2)))
    files, _ = keep(tmp_path / "b", same)
    assert [path.name for _, path in files] == ["01-a.png", "02-c.png", "03-d.png"]
    flat = io.BytesIO()
    Image.new("RGB", (8, 8)).save(flat, "PNG")
    for content, fault in [
        (b"no picture", "no picture is broken"),
        (flat.getvalue(), "no picture is blank"),
        (png(1, workflow=False), "saved pictures open as this workflow"),
    ]:
        _, checks = keep(tmp_path / "c", files_of(("1", "a.png", content)))
        assert not checks[fault]
    assert not keep(tmp_path / "c", [])[1]["made pictures"]


def test_foreign_words_are_printed_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner import cli
    from steer.runner.batch import command
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.comfyui.messages import Progress, QueueError, RunOutcome
    from steer.runner.slides import command as slides

    class Failing:
        def run(self, prompt: Any, workflow: Any, on_progress: Any) -> RunOutcome:
            on_progress(Progress(0, 1, ODD))
            raise QueueError(f"reason {ODD}")

    out = io.StringIO()
    terminal = {"file": out, "force_terminal": True, "width": 300, "color_system": None, "highlight": False}
    monkeypatch.setattr(slides, "console", Console(**terminal, emoji=slides.console._emoji))
    monkeypatch.setattr(command, "console", Console(**terminal, emoji=command.console._emoji))
    slides.run_slide(Failing(), ODD, {"nodes": [], "links": []}, {}, tmp_path)  # type: ignore
    assert f"failed {ODD}\n       reason {ODD}\n" in out.getvalue()
    good = Slide("a", promises={ODD: False})
    slides.console.print(slides._format_slide(good), markup=True)
    assert f"NOT KEPT {ODD}" in out.getvalue()
    with command._Board(1, [ODD]) as board:
        board.progress(ODD, BatchJob(ODD, {}), Progress(0, 1, ODD))
        board.bar.refresh()
    assert f"{ODD}: {ODD}"[:48] in out.getvalue()
    missing = tmp_path / "[/x].json"
    missing.parent.mkdir()
    missing.write_text("{", encoding="utf-8")
    assert cli.run(["--only", str(missing)]) == 1
    assert f"{missing} is not a workflow file" in out.getvalue()


def test_a_twin_runs_once_all_its_models_are_there(tmp_path: Path):
    from steer.runner.comfyui.inventory import ComfyFolder
    from steer.runner.share.check import twins_with_models
    from steer.runner.workflow import FOLDER, read_workflow
    from steer.runner.workflow.bundled import list_twins
    from steer.runner.workflow.needs import model_needs

    twins = {path.stem for path in list_twins()}
    needs = {name: model_needs(read_workflow(FOLDER / f"{name}.json")) for name in twins}
    place = ComfyFolder(tmp_path, [])
    assert twins_with_models(place) == {}
    for number, need in enumerate(sorted({need for listed in needs.values() for need in listed}, key=str)):
        file = tmp_path / "models" / need.directory / need.name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        there = {name for name, listed in needs.items() if all(place.has_model(each) for each in listed)}
        assert set(twins_with_models(place)) == there, number
    assert list(twins_with_models(place)) == sorted(twins)


def test_run_runs_those_twins_after_the_embedded_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from types import SimpleNamespace

    from steer.runner import cli
    from steer.runner.slides import command as slides
    from steer.runner.workflow import list_bundled, read_workflow

    checkpoint = "v1-5-pruned-emaonly-fp16.safetensors"
    place = SimpleNamespace(object_info={}, has_model=lambda need: need.name == checkpoint)
    ran: list[str] = []
    monkeypatch.setattr(slides, "RunningComfy", lambda client: place)
    monkeypatch.setattr(slides, "run_slide", lambda client, name, *rest: ran.append(name) or Slide(name))
    process: Any = SimpleNamespace(url="http://127.0.0.1:1", check_alive=lambda: None)
    ours = {path.stem: read_workflow(path) for path in list_bundled()}
    for arguments, twins in ([], True), (["--only", "04"], False):
        ran.clear()
        assert slides._run_all(process, ours, [], cli.parse([*arguments, "--out", str(tmp_path)]), ()) == 0
        assert ran[: len(ours)] == list(ours)
        assert ("04-expression-swap-sd15" in ran[len(ours) :]) == twins
        assert "08-canny-same-face-angle-sd15" not in ran, "its ControlNet is not there"


def test_serve_takes_the_port_where_queue_looks_if_it_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from steer.runner import cli, setup
    from steer.runner.comfyui import process
    from steer.runner.comfyui.address import DEFAULT_URL
    from steer.runner.slides import command as slides

    monkeypatch.setattr(slides, "has_gpu", lambda python: False)
    monkeypatch.setattr(setup, "link_into", lambda comfyui: None)

    def url(*arguments: str) -> str:
        return slides._start_server(cli.parse([*arguments, "--out", str(tmp_path)]), str(tmp_path)).url

    for module in (process, slides):
        monkeypatch.setattr(module, "port_is_free", lambda port: True)
    assert url("--serve") == DEFAULT_URL
    assert url("--serve", "--port", "8200").endswith(":8200")
    assert url() != DEFAULT_URL
    monkeypatch.setattr(slides, "port_is_free", lambda port: False)
    assert url("--serve") != DEFAULT_URL


@pytest.mark.parametrize("own", [True, False])
def test_a_comfyui_of_the_users_may_run_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own: bool):
    """Since 0.17 ComfyUI locks its database, and a second one on it may end at once."""
    from steer.runner import cli, setup
    from steer.runner.slides import command as slides

    monkeypatch.setattr(slides, "has_gpu", lambda python: False)
    monkeypatch.setattr(slides, "is_own", lambda: own)
    monkeypatch.setattr(setup, "link_into", lambda comfyui: None)
    arguments = slides._start_server(cli.parse(["--out", str(tmp_path)]), str(tmp_path)).arguments
    given = dict(pairwise(arguments))
    assert given.get("--user-directory") == (None if own else str(tmp_path / "user"))
    assert given.get("--database-url") == (None if own else f"sqlite:///{tmp_path}/comfyui.db")


def test_two_files_of_one_name_are_both_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from contextlib import nullcontext

    from steer.runner import cli
    from steer.runner.slides import command as slides

    files = [tmp_path / folder / "w.json" for folder in ("a", "b")]
    for number, file in enumerate(files):
        file.parent.mkdir()
        file.write_text(json.dumps({"nodes": [], "links": [], "last_node_id": number}), encoding="utf-8")
    ran: dict[str, Any] = {}
    monkeypatch.setattr(slides, "_start_server", lambda options, temp: nullcontext())
    monkeypatch.setattr(slides, "_run_all", lambda server, graphs, *rest: ran.update(graphs) or 0)
    assert cli.run([part for file in [*files, files[0]] for part in ("--only", str(file))]) == 0
    assert {name: graph["last_node_id"] for name, graph in ran.items()} == {"w": 0, "w-2": 1}
