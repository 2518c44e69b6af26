"""What a ComfyUI sends, checked: nothing of it is believed before its shape is right. Pure.

Whoever answers may be another program, an old ComfyUI, or one whose nodes report odd things.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ...files import is_inside
from ...nodes.text.printable import printable
from ..workflow.prompt import Prompt, node_title
from .messages import BadAnswer, NodeFailed, NodeFault, Picture, Progress, Refused, RunOutcome

MAX_QUOTED = 500  # letters of a server's own words
_NAME = re.compile(r"[\w.:-]{1,200}", re.ASCII)
_TYPES = ("output", "temp", "input")


def _shown(value: Any) -> str:
    """What stands in the place of what was expected. Never its content in full, which may be deep and long."""
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    if isinstance(value, dict):
        return f"an object of {len(value):,}"
    return "nothing" if value is None else printable(repr(value[:60] if isinstance(value, str) else value), 80)


def _words(value: Any) -> str:
    """A server's own words."""
    return value[:MAX_QUOTED] if isinstance(value, str) else "" if value is None else _shown(value)


def _mapping(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadAnswer(f"this is not how a ComfyUI answers: {what} is {_shown(value)}.")
    return value


def _list(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list):
        raise BadAnswer(f"this is not how a ComfyUI answers: {what} is {_shown(value)}.")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise BadAnswer(f"this is not how a ComfyUI answers: {what} is {_shown(value)}.")
    return value


def node_definitions(answer: Any) -> dict[str, Any]:
    """The kinds of nodes of /object_info. What a pack declares in a wrong shape is left out.

    Raises:
        BadAnswer: these are none.
    """
    kinds = {kind: _definition(node) for kind, node in _mapping(answer, "the list of nodes").items()}
    found = {kind: node for kind, node in kinds.items() if node is not None}
    if kinds and not found:
        raise BadAnswer("this is not how a ComfyUI answers: its list of nodes describes none.")
    return found


def _definition(node: Any) -> dict[str, Any] | None:
    if not isinstance(node, dict) or not isinstance(node.get("input") or {}, dict):
        return None
    inputs = {
        part: {name: _plain_spec(spec) for name, spec in some.items() if part == "hidden" or _is_spec(spec)}
        for part, some in (node.get("input") or {}).items()
        if isinstance(some, dict)
    }
    order = node.get("input_order")
    good = isinstance(order, dict) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names) for names in order.values()
    )
    result = {**node, "input": inputs}
    if "input_order" in result and not good:
        del result["input_order"]
    return result


def _is_spec(spec: Any) -> bool:
    return isinstance(spec, list) and bool(spec)


def _plain_spec(spec: Any) -> Any:
    """The type of an input and its options; without what is in the place of options and is none."""
    return spec if not _is_spec(spec) or len(spec) < 2 or isinstance(spec[1], dict) else spec[:1]


def names(answer: Any, what: str) -> list[str]:
    """A list of names.

    Raises:
        BadAnswer: it is none.
    """
    return [_text(name, f"a name in {what}") for name in _list(answer, what)]


def queued(answer: Any) -> tuple[str, dict[str, Any]]:
    """The name under which a prompt was queued, and what is wrong with its nodes.

    Raises:
        BadAnswer: the answer says neither.
    """
    content = _mapping(answer, "the answer to a prompt")
    name = _text(content.get("prompt_id"), "the name of the prompt")
    if not _NAME.fullmatch(name):
        raise BadAnswer(f"this is not how a ComfyUI answers: the name of the prompt is {_shown(name)}.")
    return name, _mapping(content.get("node_errors") or {}, "what is wrong with its nodes")


def queued_names(answer: Any) -> set[str]:
    """The names of the prompts that wait or run, from /queue.

    Raises:
        BadAnswer: the answer does not say.
    """
    content = _mapping(answer, "the queue")
    found: set[str] = set()
    for part in ("queue_running", "queue_pending"):
        for entry in _list(content.get(part), f"'{part}' of the queue"):
            if not isinstance(entry, list) or len(entry) < 2 or not isinstance(entry[1], str):
                raise BadAnswer(f"this is not how a ComfyUI answers: an entry of the queue is {_shown(entry)}.")
            found.add(entry[1])
    return found


def history_entry(answer: Any, prompt_id: str) -> dict[str, Any] | None:
    """What /history tells of a prompt; None while it has not ended.

    Raises:
        BadAnswer: the answer does not say.
    """
    content = _mapping(answer, "the history")
    return _mapping(content[prompt_id], "an entry of the history") if prompt_id in content else None


def uploaded_name(answer: Any) -> str:
    """The name that an uploaded file got, with its folder.

    Raises:
        BadAnswer: there is none.
    """
    content = _mapping(answer, "the answer to a file")
    folder = _text(content.get("subfolder") or "", "the folder of a file").replace("\\", "/")
    name = "/".join(filter(None, (folder, _text(content.get("name"), "the name of a file"))))
    if not is_inside(name) or printable(name) != name:
        raise BadAnswer(f"this is not how a ComfyUI answers: the name of a file is {_shown(name)}.")
    return name


def refusal(prompt: Prompt, body: bytes) -> Refused:
    """The answer to a prompt that does not validate."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return Refused(body[:MAX_QUOTED].decode(errors="replace").strip() or "no reason given")
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return Refused(_words(error or answer) or "no reason given")
    faults = _faults(prompt, answer.get("node_errors"))
    reason = _words(error.get("message")) or "no reason given"
    details = _words(error.get("details"))
    return Refused(f"{reason}: {details}" if details and not faults else reason, faults)


def only_in_part(prompt: Prompt, node_errors: Any) -> Refused:
    """For a prompt of which ComfyUI took only those output nodes that validate."""
    return Refused("it would make only some of its outputs, so it was not run.", _faults(prompt, node_errors))


def _faults(prompt: Prompt, node_errors: Any) -> tuple[NodeFault, ...]:
    """What is said of nodes, as far as it can be read."""
    found = []
    for node_id, errors in node_errors.items() if isinstance(node_errors, dict) else ():
        listed = errors.get("errors") if isinstance(errors, dict) else None
        for each in listed if isinstance(listed, list) else ():
            content = each if isinstance(each, dict) else {"message": each}
            title = node_title(prompt, node_id)
            found.append(NodeFault(node_id, title, _words(content.get("message")), _words(content.get("details"))))
    return tuple(found)


def outcome_of(history: Mapping[str, Any], prompt: Prompt) -> RunOutcome:
    """What the output nodes of a prompt gave, from its entry in ComfyUI's history.

    Raises:
        NodeFailed: a node failed, or the run was cancelled.
        BadAnswer: the entry does not say that the prompt ran to its end.
    """
    status = _mapping(history.get("status"), "how a prompt ended")
    _check_messages(status.get("messages") or [], prompt)
    if status.get("completed") is not True or status.get("status_str", "success") != "success":
        raise NodeFailed(f"The run ended without success ({_shown(status.get('status_str'))}) and without a reason.")
    outcome = RunOutcome(seconds=0.0)
    for node_id, output in _mapping(history.get("outputs"), "what a prompt gave").items():
        content = _mapping(output, f"what the node {_shown(node_id)} gave")
        texts = content.get("text")
        listed = [texts] if isinstance(texts, str) else texts if isinstance(texts, list) else []
        outcome.texts[node_id] = [str(text) for text in listed if isinstance(text, str | int | float)]
        jobs = content.get("jobs")
        listed = jobs if isinstance(jobs, list) else []
        outcome.jobs += [job for job in listed if isinstance(job, str) and _NAME.fullmatch(job)]
        for entries in content.values():  # images, gifs, audio, 3d ...: whatever names files
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict) and "filename" in entry:
                    outcome.pictures.append(_picture(node_id, entry))
    return outcome


def _check_messages(messages: Any, prompt: Prompt) -> None:
    """Raises NodeFailed where a message says that the prompt failed or was cancelled."""
    for message in _list(messages, "the messages of a prompt"):
        kind, data = message if isinstance(message, list) and len(message) == 2 else ("", {})
        content = data if isinstance(data, dict) else {}
        if kind == "execution_error":
            words = content.get("exception_message")
            reason = (words.strip() if isinstance(words, str) else "") or _words(content.get("exception_type"))
            raise NodeFailed(f"The node '{node_title(prompt, _words(content.get('node_id')))}' failed: {reason}")
        if kind == "execution_interrupted":
            raise NodeFailed("The run was cancelled in ComfyUI.")


def _picture(node_id: str, entry: Mapping[str, Any]) -> Picture:
    name = _text(entry["filename"], "the name of a file")
    folder = _text(entry.get("subfolder") or "", "the folder of a file")
    kind = entry.get("type") or "output"
    if not name or kind not in _TYPES:
        raise BadAnswer(f"this is not how a ComfyUI answers: a file is {_shown(dict(entry))}.")
    return Picture(node_id, name, folder, kind)


def read_event(message: bytes) -> tuple[str, dict[str, Any]]:
    """Kind and data of a message of the websocket; empty ones for what is none of ComfyUI's."""
    try:
        event = json.loads(message)
    except (ValueError, RecursionError):
        return "", {}
    kind, data = (event.get("type"), event.get("data")) if isinstance(event, dict) else (None, None)
    return (kind, data) if isinstance(kind, str) and isinstance(data, dict) else ("", {})


def progress_of(data: Mapping[str, Any], done: int, total: int, title: str) -> Progress:
    """How far the node at work is; numbers that cannot be are left out."""
    step, steps = (_count(data.get(part)) for part in ("value", "max"))
    return Progress(done, total, title, min(step, steps), steps)


def _count(value: Any) -> int:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(min(value, 1e9))
    return int(min(max(value, 0), 1e9)) if good else 0
