"""Servers that answer oddly, endlessly, slowly, or are somebody else: a job there ends with a reason, and goes on."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest
from hostile.jobs import run_on, small_job, try_servers
from hostile.odd import DEEP, PAGE
from hostile.server import (
    PICTURE,
    PROMPT,
    HostileServer,
    Send,
    entry,
    frame,
    says,
    sends,
    trickles,
)
from steer.nodes.text.printable import is_printable
from steer.runner.batch.jobs import JobOutput

SEED, INPUTS = 21, 60


def history(**changes: object) -> Send:
    """The history of the prompt that is asked for, with other parts."""

    def send(talk: object) -> None:
        talk.answer(json.dumps({talk.path.rpartition("/")[2]: entry() | changes}).encode())

    return send


SHAPES: dict[str, dict[str, Send]] = {
    "prompt: a list": {"prompt": says("[]")},
    "prompt: no name": {"prompt": says('{"number": 1}')},
    "prompt: no name at all": {"prompt": says('{"prompt_id": null, "node_errors": []}')},
    "prompt: a name that is a path": {"prompt": says('{"prompt_id": "../../view?x", "node_errors": {}}')},
    "prompt: deep": {"prompt": says(DEEP)},
    "prompt: refused in no shape": {"prompt": says('{"error": {"message": {}}, "node_errors": [1]}', "400 Bad")},
    "history: a list": {"history": says("[1, 2]")},
    "history: null": {"history": says("null")},
    "history: outputs are text": {"history": history(outputs="none")},
    "history: an output is null": {"history": history(outputs={"2": None})},
    "history: a file without a name": {"history": history(outputs={"2": {"images": [{"filename": None}]}})},
    "history: a file in no folder": {"history": history(outputs={"2": {"images": [{"filename": "a", "type": 7}]}})},
    "history: no status": {"history": history(status=None)},
    "history: messages are text": {"history": history(status={"messages": "x", "completed": True})},
    "history: not completed": {"history": history(status={"status_str": "error", "completed": False, "messages": []})},
    "history: huge": {"history": says('{"x": ' + "9" * 5000 + "}")},
    "queue: a list": {"queue": says("[]")},
    "queue: null entries": {"queue": says('{"queue_running": [null], "queue_pending": [[1]]}')},
    "upload: no name": {"upload": says('{"name": {"a": 1}}')},
    "upload: out of the folder": {"upload": says('{"name": "../../x.png"}')},
    "nodes: a list": {"object_info": says("[]")},
    "nodes: none that is one": {"object_info": says('{"KSampler": null}')},
    "view: nothing": {"view": says(b"")},
    "view: a page": {"view": says(PAGE)},
    "view: half a picture": {"view": says(PICTURE[:60])},
    "view: cut on the way": {"view": says(PICTURE[:60], length=len(PICTURE))},
    "view: packed": {"view": says(PICTURE, "200 OK", "Content-Encoding: gzip")},
    "view: another server": {"view": says(b"", "302 Found", "Location: http://user:secret@example.invalid/x.png")},
    "view: in circles": {"view": says(b"", "302 Found", "Location: /view?a")},
    "websocket: a page": {"ws": says(PAGE)},
    "websocket: another server": {"ws": says(b"", "301 Moved", "Location: ws://example.invalid/ws")},
    "websocket: no head": {"ws": sends(b"\xff\xfe\r\n\r\n")},
}


SLOW: dict[str, dict[str, Send]] = {
    "json": {"history": trickles(b'{"a": 1}' * 100)},
    "file": {"view": trickles(PICTURE)},
    "go on": {"prompt": sends(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05, 1000)},
    "no end": {"history": sends(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1000, 0.05, 1000)},
    "websocket": {"ws": sends(b"HTTP/1.1 101 Switching Protocols\r\nX: 1\r\n", 0.05, 1000)},
    "silence": {"object_info": sends(b"", then=20)},
}


def event(kind: str, **data: object) -> Send:
    """A message about the prompt that runs."""
    return lambda talk: talk.send(
        frame(json.dumps({"type": kind, "data": data | {"prompt_id": talk.body.decode()}}).encode())
    )


MESSAGES: dict[str, Send] = {
    "pings": lambda talk: sends(frame(b"x", 9), times=2000)(talk),
    "no JSON": lambda talk: talk.send(frame(b"not JSON") + frame(b"[1]") + frame(b'{"type": 7, "data": []}')),
    "deep": lambda talk: talk.send(frame(DEEP.encode())),
    "no number": event("progress", value=[]),
    "a huge number": event("progress", value=10**400, max=1),
    "no node": event("executing", node={}),
    "nodes are text": event("execution_cached", nodes=7),
    "the end, too early": event("executing", node=None),
    "no letters": lambda talk: talk.send(frame(b"\xff\xfe")),
    "hangs up": lambda talk: talk.sock.close(),
}


def all_at_once(
    odds: dict[str, dict[str, Send]], folder: Path, patience: float, *, late: bool = False
) -> dict[str, tuple[JobOutput | str, float]]:
    """What a job gave on each of these servers, and in how many seconds."""
    job, found = small_job(folder), dict[str, tuple[JobOutput | str, float]]()

    def try_one(name: str, odd: dict[str, Send]) -> None:
        began = time.monotonic()
        with HostileServer(odd, late=late) as server:
            found[name] = run_on(server, job, patience), time.monotonic() - began

    threads = [threading.Thread(target=try_one, args=each) for each in odds.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found.keys() == odds.keys()
    return found


@pytest.mark.slow
def test_every_odd_answer_ends_the_job_with_a_reason(tmp_path: Path):
    for name, (reason, _) in all_at_once(SHAPES, tmp_path, 0.5, late=True).items():
        assert isinstance(reason, str), f"{name}: {reason}"
        assert "http://127.0.0.1:" in reason or reason.startswith("The run ended"), f"{name}: {reason}"
        assert is_printable(reason), name
        assert "secret" not in reason
        assert "Error:" not in reason, f"{name}: {reason}"


@pytest.mark.slow
def test_patience_counts_over_all(tmp_path: Path):
    for name, (reason, seconds) in all_at_once(SLOW, tmp_path, 1.0).items():
        assert isinstance(reason, str), name
        assert "does not answer" in reason, f"{name}: {reason}"
        assert seconds < 4.0, name


@pytest.mark.slow
def test_odd_messages_are_left_out_and_the_job_is_done(tmp_path: Path):
    odds = {name: {"message": send} for name, send in MESSAGES.items()}
    for name, (result, _) in all_at_once(odds, tmp_path, 3.0).items():
        assert not isinstance(result, str), f"{name}: {result}"
        assert [content for _, content in result.files] == [PICTURE], name


@pytest.mark.slow
def test_the_fuzzer_finds_nothing(tmp_path: Path):
    tried = try_servers(tmp_path, range(INPUTS), SEED)
    assert tried.faults == []
    assert tried.inputs == INPUTS
    assert tried.ran, "what does not matter keeps no job from being done"
    assert tried.refused


@pytest.mark.slow
def test_a_batch_goes_on_with_the_server_that_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from steer.runner import cli

    workflow = tmp_path / "w.json"
    prompt = {"2": PROMPT["2"], "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "seed": 1}}}
    workflow.write_text(json.dumps(prompt), encoding="utf-8")
    with HostileServer({"view": says(PAGE), "history": says(b"\x1b[2J{")}) as bad, HostileServer(late=False) as good:
        urls = [word for server in (bad, good) for word in ("--comfyui-url", server.url)]
        urls += ["--comfyui-url", "http://artist:hunter2@127.0.0.1:1"]
        code = cli.run(["queue", str(workflow), "--out", str(tmp_path / "out"), "--patience", "1", *urls])
    text = capsys.readouterr().out
    assert code == 0, text
    assert "1 done, 0 there before, 0 failed" in text.replace("\n", " ")
    assert "hunter2" not in text
    assert "\x1b[2J" not in text
    assert [path.read_bytes() for path in (tmp_path / "out").glob("*.png")] == [PICTURE]


def test_a_wrong_address_is_found_without_its_password():
    from steer.runner.comfyui.address import Address, AddressError, read_address

    assert read_address("a:b%40c@host:8188/x/") == Address("http://host:8188/x", ("a", "b@c"))
    assert read_address("192.168.1.5:8188") == Address("http://192.168.1.5:8188")
    for text in (
        "http://me:pa/ss@host:1",
        "me:secret@host:99999",
        "ftp://x",
        "http://",
        "http://h:1?token=secret",
        "[::",
    ):
        with pytest.raises(AddressError) as caught:
            read_address(text)
        assert not any(word in str(caught.value) for word in ("pa/ss", "secret", "me:"))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "0", "-1", "1e999", "x", ""])
@pytest.mark.parametrize("line", [["queue", "w.json", "--patience"], ["unpack", "w.zip", "--limit"]])
def test_numbers_of_the_command_line_are_numbers(line: list[str], text: str, capsys: pytest.CaptureFixture[str]):
    from steer.runner import cli

    with pytest.raises(SystemExit) as caught:
        cli.parse([*line, text])
    assert caught.value.code == 2
    assert line[-1] in capsys.readouterr().err


def test_a_list_of_results_that_lies_is_skipped_line_by_line(tmp_path: Path):
    from steer.files import NotAFileError
    from steer.runner.batch.jobs import BatchJob
    from steer.runner.batch.pool import JobEnd
    from steer.runner.batch.results import Batch, Results, claim_folder
    from steer.runner.comfyui.messages import QueueError

    job = BatchJob("job", PROMPT)
    saved = Results(tmp_path).save(job, "http://host", 1.0, [("a.png", PICTURE)])
    (line,) = (tmp_path / "results.jsonl").read_text(encoding="ascii").splitlines()
    lies = [
        line.replace('"seconds":1.0', f'"seconds":{"9" * 400}'),
        line.replace('"seconds":1.0', '"seconds":1e999'),
        line.replace('"bytes":', '"bytes":-'),
        line.replace(saved.files[0].name, "\\ud83d.png"),
        line.replace('"files":[', '"files":{"a":[').replace('],"error"', ']},"error"'),
        "[" * 100_000,
    ]
    (tmp_path / "results.jsonl").write_text("\n".join([*lies, line, ""]), encoding="ascii")
    batch = Batch(tmp_path)
    batch.add([job], lambda job: (), ())
    assert batch.todo == []
    assert "6 lines of" in "\n".join(batch.lines())
    taken = tmp_path / saved.files[0].name
    taken.unlink()
    taken.mkdir()
    batch = Batch(tmp_path)
    batch.add([job], lambda job: (), ())
    assert batch.todo == [job]
    ended = batch.end(JobEnd(job, "http://host", JobOutput(1.0, (("a.png", PICTURE),))))
    assert ended.startswith("failed  job: ")
    assert "is a folder, where a file should be" in ended
    (tmp_path / "results.jsonl").unlink()
    (tmp_path / "results.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotAFileError, match="is a link"):
        Results(tmp_path).fail(job, "", "no")
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(QueueError, match="is no folder"):
        claim_folder(tmp_path / "file").__enter__()
