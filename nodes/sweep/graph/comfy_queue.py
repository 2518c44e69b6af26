"""ComfyUI's own queue, as a sweep puts its cells into it."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Mapping
from typing import Any

import execution
from comfy_execution.utils import get_executing_context

from .chain import JobEnding
from .prompts import Json

ANSWER_S = 120.0  # for ComfyUI to check a prompt


class ComfyQueue:
    """The queue of the server that runs this prompt. Children get its client, its extra data and its secrets.

    Secrets, such as API keys, stay where ComfyUI keeps them: beside the prompt, never in it.

    Raises:
        RuntimeError: no server runs this prompt.
    """

    def __init__(self) -> None:
        from server import PromptServer  # there when a graph runs; loading it is not this pack's to do

        server: Any = getattr(PromptServer, "instance", None)
        context = get_executing_context()
        if server is None or context is None:
            raise RuntimeError("cell: a sweep needs ComfyUI's server, whose queue makes the cells. Start ComfyUI.")
        self.server, self.queue = server, server.prompt_queue
        self.own_id = context.prompt_id
        running, _ = self.queue.get_current_queue_volatile()
        self.item = next((item for item in running if item[1] == self.own_id), None)

    def put(self, job_id: str, prompt: Json) -> None:
        """Check a prompt as the server does and queue it behind all others.

        Raises:
            ValueError: ComfyUI refuses it. The message says which input of which node.
        """
        call = asyncio.run_coroutine_threadsafe(self._put(job_id, prompt), self.server.loop)
        call.result(ANSWER_S)

    async def _put(self, job_id: str, prompt: Json) -> None:
        """On the server's own thread, as every other prompt."""
        good, error, outputs, faults = await execution.validate_prompt(job_id, prompt, None)
        if not good:
            raise ValueError(word_refusal(prompt, error, faults))
        number = self.server.number
        self.server.number += 1
        extra = copy.copy(self.item[3]) if self.item is not None else {}
        extra["create_time"] = int(time.time() * 1000)  # as the server notes it, in milliseconds
        more = self.item[5:] if self.item is not None else ({},)
        self.queue.put((number, job_id, prompt, extra, outputs, *copy.copy(more)))

    def check(self, prompt: Json) -> None:
        """Check a prompt without queueing it.

        Raises:
            ValueError: ComfyUI refuses it.
        """
        call = asyncio.run_coroutine_threadsafe(execution.validate_prompt(self.own_id, prompt, None), self.server.loop)
        good, error, _, faults = call.result(ANSWER_S)
        if not good:
            raise ValueError(word_refusal(prompt, error, faults))

    def waiting(self) -> set[str]:
        """The ids of all jobs that wait."""
        _, waiting = self.queue.get_current_queue_volatile()
        return {item[1] for item in waiting}

    def running(self) -> set[str]:
        """The ids of all jobs that run."""
        running, _ = self.queue.get_current_queue_volatile()
        return {item[1] for item in running}

    def ended(self, job_id: str) -> JobEnding | None:
        """How a job ended; None where the history does not know it."""
        found = self.queue.get_history(prompt_id=job_id, map_function=_status)
        return read_ended(found.get(job_id)) if job_id in found else None


def running_job() -> str:
    """The id of the job that runs; empty outside of one."""
    context = get_executing_context()
    return "" if context is None else context.prompt_id


def _status(entry: Mapping[str, Any]) -> Any:
    """Of an entry of the history, without a copy of all of it."""
    return entry.get("status")


def read_ended(status: Any) -> JobEnding:
    """How a job ended, from the status of its entry in the history."""
    for kind, data in (status or {}).get("messages") or ():
        if kind == "execution_interrupted":
            return JobEnding(cancelled=True)
        if kind == "execution_error":
            reason = str(data.get("exception_message") or data.get("exception_type") or "").strip()
            return JobEnding(f"{data.get('node_type')} (node {data.get('node_id')}): {reason}")
    return JobEnding()


def word_refusal(prompt: Mapping[str, Any], error: Any, faults: Mapping[str, Any]) -> str:
    """Why ComfyUI refuses a prompt: the first fault, with its node."""
    for node_id, fault in (faults or {}).items():
        for each in fault.get("errors") or ():
            kind = prompt.get(node_id, {}).get("class_type", "node")
            return f"ComfyUI refuses it: {kind} (node {node_id}): {each.get('message')}: {each.get('details')}"
    found = error if isinstance(error, dict) else {}
    return f"ComfyUI refuses it: {found.get('message')}: {found.get('details')}"
