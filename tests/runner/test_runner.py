"""run.py's own behaviour: its options, its errors, and that it never leaves a server behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from steer.runner.workflow.prompt import WorkflowError

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, str(ROOT / "run.py")]


def run(*arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *arguments], capture_output=True, text=True, timeout=timeout, cwd=ROOT)


def error_text(done: subprocess.CompletedProcess[str]) -> str:
    """What a run that failed has printed, on one line."""
    assert done.returncode not in (0, None)
    assert "Traceback" not in done.stdout + done.stderr
    return " ".join((done.stdout + done.stderr).split())


def test_comfyui_that_is_none(tmp_path: Path):
    text = error_text(run("--comfyui", str(tmp_path), "--out", str(tmp_path / "out")))
    assert "is not a ComfyUI folder" in text
    assert "main.py" in text


@pytest.mark.slow
def test_port_in_use(tmp_path: Path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = error_text(run("--port", str(port), "--out", str(tmp_path)))
    assert f"Port {port} is in use" in text
    assert "--port" in text


@pytest.mark.skipif(sys.platform != "linux", reason="devices of Linux")
def test_torch_is_asked_for_a_gpu_only_where_there_is_a_device(monkeypatch: pytest.MonkeyPatch):
    from steer.runner.comfyui import process

    nowhere = ROOT / "no python"
    monkeypatch.setattr(process, "GPU_DEVICES", ("none of this name",))
    assert not process.has_gpu(nowhere)
    monkeypatch.setattr(process, "GPU_DEVICES", ("none of this name", "nul*"))
    with pytest.raises(OSError, match="no python"):
        process.has_gpu(nowhere)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("{ not json", "is not a workflow file"),
        ("[1, 2]", "JSON but no workflow"),
        ('{"1": {"class_type": "A", "inputs": {}}}', "API export"),
    ],
)
def test_file_that_is_no_workflow(tmp_path: Path, content: str, word: str):
    path = tmp_path / "broken.json"
    path.write_text(content)
    text = error_text(run("--only", str(path), "--out", str(tmp_path / "out")))
    assert "broken.json" in text
    assert word in text


def test_only_names_no_workflow(tmp_path: Path):
    text = error_text(run("--only", "99", "--out", str(tmp_path)))
    assert "no bundled workflow has that name" in text
    assert "08-canny-same-face-angle" in text


def test_set_that_is_malformed(tmp_path: Path):
    assert "NODE_TITLE.widget=value" in error_text(run("--set", "Canny", "--out", str(tmp_path)))


def test_what_is_advised_for_set_names_a_widget_that_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    from steer.runner import cli
    from steer.runner import workflow as workflows

    monkeypatch.setenv("COLUMNS", "500")  # no example over two lines
    with pytest.raises(SystemExit):
        cli.parse(["slides", "--help"])
    with pytest.raises(WorkflowError) as error:
        workflows.Setting.parse("Canny")
    readmes = [(ROOT / name).read_text("utf-8").replace("KSampler.steps", "") for name in ("README.md", "README.ko.md")]
    found = [
        re.findall(r'--set "?([A-Z][a-z]\w+)\.(\w+)=', text)
        for text in (capsys.readouterr().out, str(error.value), *readmes)
    ]
    assert all(found), "each of them has an example"
    labels = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text("utf-8"))
    widgets = set()
    for node in (node for path in workflows.list_bundled() for node in workflows.read_graph(path)["nodes"]):
        title = node.get("title") or labels.get(node["type"], {}).get("display_name")
        widgets |= {(title, each["widget"]["name"]) for each in node.get("inputs", []) if "widget" in each}
    assert {example for examples in found for example in examples} <= widgets


@pytest.mark.server
def test_set_names_no_node(tmp_path: Path):
    text = error_text(run("--only", "08", "--set", "Nonsense.low=1", "--out", str(tmp_path)))
    assert "no workflow has a node titled 'Nonsense'" in text
    assert "Canny" in text


@pytest.mark.server
def test_run_keeps_pictures_and_gallery_and_set_reaches_the_saved_workflow(tmp_path: Path):
    from PIL import Image
    from small_workflows import edges_only

    done = run("--only", str(edges_only(tmp_path)), "--set", "Canny.low_threshold=30", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "How do I keep the angle of a face?</h2>" in page
    pictures = sorted((tmp_path / "edges").glob("*.png"))
    assert pictures
    assert all(picture.name in page for picture in pictures)
    prompts, graphs = [], []
    for picture in pictures:
        with Image.open(picture) as image:
            if "prompt" in image.info:
                prompts.append(json.loads(image.info["prompt"]))
                graphs.append(json.loads(image.info["workflow"]))
    assert prompts
    canny = [n for n in prompts[0].values() if n["class_type"] == "SteerCanny"]
    assert canny[0]["inputs"]["low_threshold"] == 30
    saved = [n for n in graphs[0]["nodes"] if n["type"] == "SteerCanny"]
    assert 30 in saved[0]["widgets_values"]


@pytest.mark.server
@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "kill"])
def test_the_server_ends_with_run(tmp_path: Path, number: signal.Signals):
    from steer.runner.comfyui.process import free_port, port_is_free

    port = free_port()
    process = subprocess.Popen(
        [*RUN, "--serve", "--port", str(port), "--out", str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "stays open" in line:
            break
    assert not port_is_free(port)
    process.send_signal(number)
    assert process.wait(30) != 0
    limit = time.monotonic() + 15
    while not port_is_free(port) and time.monotonic() < limit:
        time.sleep(0.1)
    assert port_is_free(port), "the server was left behind"


def test_the_gallery_shows_each_slides_question_and_escapes_it(tmp_path: Path):
    from PIL import Image
    from steer.runner.slides import gallery
    from steer.runner.slides.slide import Slide
    from steer.runner.workflow import note_of

    note = "## Why <script>alert(1)</script>?\n\nIt is *so*.\n\n**Look at** the\nsheet & think.\n\n"
    note += "**Try next**\n- x\n- y\n  z\n"
    graph = {"nodes": [{"type": "Other"}, {"type": "MarkdownNote", "widgets_values": [note]}]}
    said = note_of(graph)
    assert said == ("Why <script>alert(1)</script>?", "It is *so*.", "**Look at** the sheet & think.", ("x", "y z"))
    assert note_of({"nodes": []}) == ("", "", "", ())
    picture = tmp_path / "a" / "1.png"
    picture.parent.mkdir()
    Image.new("RGB", (8, 8)).save(picture)
    command = [Slide("a", said, [picture], ["<b>"], 1.0, {"made pictures": True}), Slide("b", error="<i>no")]
    page = gallery.write(command, tmp_path).read_text("utf-8")
    assert "<script>alert" not in page
    assert page.count("<script") == 1  # the slider's
    assert "Why &lt;script&gt;alert(1)&lt;/script&gt;?</h2>" in page
    assert "<strong>Look at</strong> the sheet &amp; think." in page
    assert page.count('href="#a"') == page.count('id="a"') == 1
    assert "<p>It is <em>so</em>.</p>" in page
    assert "<li>y z</li>" in page
    assert 'src="a/1.png"' in page
    assert "&lt;i&gt;no" in page
    measured = Slide("c", promises={"edges <i>": True, "lines": False})
    assert not measured.ok
    page = gallery.write([measured], tmp_path).read_text("utf-8")
    assert '<li>edges &lt;i&gt;</li>\n<li class="bad">lines (not kept)</li>' in page
    assert "<details open>" in page, "what is not kept is seen at once"
    assert "http" not in page.replace("http-equiv", ""), "offline"
