"""The client on a connection that breaks: a prompt runs once and is reported in full, or the server is given up."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from batches import Proxy, noisy_prompt, slow_prompt

pytestmark = pytest.mark.server
STEPS = 30


@pytest.fixture
def proxy(server) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy


@pytest.fixture
def shaky(proxy: Proxy) -> Any:
    from steer.runner.comfyui.client import ComfyClient

    return ComfyClient(proxy.url, patience=2.0)


def named(what: str) -> str:
    """The id of a prompt. Newer ComfyUIs take no other names."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, what))


def times_in_history(client: Any, prompt_id: str) -> int:
    return sum(entry["prompt"][1] == prompt_id for entry in client.get("/history").values())


def test_a_broken_connection_is_made_again_and_the_end_is_reported(client, shaky, proxy: Proxy):
    cuts = []

    def cut_in_the_middle(progress: Any) -> None:
        if len(cuts) < 2 and progress.step >= (5, 12)[len(cuts)]:  # not every step is reported while it connects again
            cuts.append(proxy.cut())

    outcome = shaky.run(slow_prompt(STEPS, seed=1), None, cut_in_the_middle, named("broken-twice"))
    assert len(cuts) == 2
    assert all(cuts)
    assert [picture.type for picture in outcome.pictures] == ["output"]
    assert times_in_history(client, named("broken-twice")) == 1


def test_a_prompt_whose_answer_was_lost_is_not_queued_twice(client, shaky, proxy: Proxy):
    before = len(client.get("/history"))
    proxy.refuse_answers = b"POST /prompt"
    outcome = shaky.run(noisy_prompt(seed=2), None, lambda progress: None, named("answer-lost"))
    assert proxy.refused == 1
    assert len(outcome.pictures) == 1
    assert len(client.get("/history")) == before + 1


def test_a_server_that_hangs_is_given_up_and_one_that_forgot_says_so(client, shaky, proxy: Proxy):
    from steer.runner.comfyui.messages import ServerLost

    def freeze(progress: Any) -> None:
        proxy.frozen = proxy.frozen or (progress.step or 0) >= 3

    began = time.monotonic()
    with pytest.raises(ServerLost, match="does not answer") as caught:
        shaky.run(slow_prompt(STEPS, seed=3), None, freeze, named("hung"))
    assert not caught.value.forgotten
    assert time.monotonic() - began < 60
    client.cancel(named("hung"))
    proxy.frozen = False
    with pytest.raises(ServerLost, match="forgotten") as caught:
        shaky.follow("never-queued", {})
    assert caught.value.forgotten


def test_a_refusal_names_each_node_and_a_failure_its_node(client):
    from steer.runner.comfyui.messages import NodeFailed, Refused

    prompt = noisy_prompt()
    prompt["2"] |= {"_meta": {"title": "My noise"}}
    prompt["2"]["inputs"]["strength"] = "much"
    prompt["3"]["inputs"].pop("filename_prefix")
    with pytest.raises(Refused) as caught:
        client.run(prompt)
    assert {(fault.node_id, fault.title) for fault in caught.value.faults} == {("2", "My noise"), ("3", "SaveImage")}
    assert "strength" in str(caught.value)
    assert "filename_prefix" in str(caught.value)
    failing = noisy_prompt()
    names = client.get("/object_info/SteerCanny")["SteerCanny"]["input"]["required"]
    defaults = {name: spec[1]["default"] for name, spec in names.items() if len(spec) > 1 and "default" in spec[1]}
    inputs = defaults | {"image": ["1", 0], "low_threshold": 200, "high_threshold": 100}
    failing["2"] = {"class_type": "SteerCanny", "_meta": {"title": "My edges"}, "inputs": inputs}
    with pytest.raises(NodeFailed, match=r"'My edges' failed: .*low_threshold"):
        client.run(failing)


def test_a_prompt_that_would_run_only_in_part_is_refused_and_cancelled(client):
    from steer.runner.comfyui.messages import Refused

    prompt = slow_prompt(STEPS, seed=4)
    prompt["other"] = {"class_type": "SaveImage", "_meta": {"title": "My copy"}, "inputs": {"images": ["d", 0]}}
    with pytest.raises(Refused, match="only some of its outputs") as caught:
        client.run(prompt, prompt_id=named("in-part"))
    assert [(fault.node_id, fault.title) for fault in caught.value.faults] == [("other", "My copy")]
    assert "filename_prefix" in str(caught.value)
    limit = time.monotonic() + 30
    while client.state(named("in-part")) == "queued" and time.monotonic() < limit:
        time.sleep(0.1)
    ended = client.get(f"/history/{named('in-part')}").get(named("in-part"), {"outputs": {}})
    assert not ended["outputs"], "it was to be cancelled"


def test_a_file_that_was_moved_is_named_and_how_to_have_it_again(server, client):
    from steer.runner.comfyui.messages import FileGone

    prompt = noisy_prompt(seed=5)
    (made,) = client.run(prompt).pictures
    (Path(server.arguments[2]) / made.filename).unlink()
    (again,) = client.run(prompt).pictures
    with pytest.raises(FileGone, match=r"Execution Cache.*run the same command again") as caught:
        client.fetch(again)
    assert made.filename in str(caught.value)
