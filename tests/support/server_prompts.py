"""Prompts sent to a real server, and what it answered."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest


def refused(client: Any, prompt: dict[str, Any]) -> str:
    """Run `prompt`, which must fail; returns the message that the user reads."""
    from steer.runner.comfyui.messages import QueueError

    with pytest.raises(QueueError) as caught:
        client.run(prompt)
    return str(caught.value)


def http_status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)
