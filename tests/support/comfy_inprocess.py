"""A real ComfyUI inside the test process: its node registry and its executor, without the web server."""

from __future__ import annotations

import asyncio
import gc
import importlib
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from steer.runner.engine import engine_folder


@dataclass
class RunResult:
    """What one prompt did: which nodes ran, which came from the cache, what the output nodes showed."""

    executed: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    interrupted: bool = False

    @property
    def message(self) -> str:
        return "" if self.error is None else str(self.error["exception_message"]).strip()


class _Server:
    """The part of ComfyUI's PromptServer that its executor talks to."""

    def __init__(self) -> None:
        self.client_id: str | None = None
        self.last_node_id: str | None = None
        self.sockets_metadata: dict[str, Any] = {}
        self.messages: list[tuple[Any, Any]] = []

    def send_sync(self, event: Any, data: Any, sid: str | None = None) -> None:
        self.messages.append((event, data))


def _load_once(loader: Any) -> None:
    """Keep what the node loads as long as its weights are the same, as a server's cache does from run to run.

    The tests begin with an empty cache, and to load the embedded model takes longer than many of their pictures.
    """
    load, loaded = loader.execute, dict[str, Any]()

    def execute(cls: Any) -> Any:
        state = cls.fingerprint_inputs()
        if state not in loaded:
            loaded[state] = load()
        return loaded[state]

    loader.execute = classmethod(execute)


class InProcessComfy:
    """`run(prompt)` executes an API prompt as ComfyUI would, with its cache kept between calls."""

    def __init__(self, base: Path) -> None:
        base.mkdir(parents=True, exist_ok=True)
        sys.argv = ["main.py", "--cpu", "--base-directory", str(base), "--disable-api-nodes"]
        sys.path.insert(0, str(engine_folder()))
        import comfy.options

        comfy.options.enable_args_parsing()
        # Before `nodes`, which puts comfy/ first on sys.path and would make `utils` resolve to comfy/utils.py.
        importlib.import_module("utils.extra_config")
        import nodes

        assert Path(str(nodes.__file__)).is_relative_to(engine_folder()), "ComfyUI's own nodes module must win"
        asyncio.run(nodes.init_builtin_extra_nodes())
        from steer.nodes.collect import load_families

        for node in load_families():
            nodes.NODE_CLASS_MAPPINGS[node.GET_SCHEMA().node_id] = node
        _load_once(nodes.NODE_CLASS_MAPPINGS["SteerDemoModel"])
        self.nodes = nodes
        self.fresh()
        # ComfyUI collects garbage whenever a patched model is gone: a second each time, all for what stays anyway.
        gc.freeze()

    def fresh(self, *, cached: bool = True) -> None:
        """Start with an empty cache, or as with --cache-none."""
        import execution

        self.server = _Server()
        kind = execution.CacheType.CLASSIC if cached else execution.CacheType.NONE
        self.executor = execution.PromptExecutor(
            self.server, cache_type=kind, cache_args={"lru": 0, "ram": 0, "ram_inactive": 0}
        )

    def validate(self, prompt: dict[str, Any]) -> tuple[bool, Any, list[str], dict[str, Any]]:
        import execution

        return asyncio.run(execution.validate_prompt(str(uuid.uuid4()), prompt, None))

    def run(self, prompt: dict[str, Any], info: dict[str, Any] | None = None) -> RunResult:
        """info: what pictures carry beside the prompt, such as the workflow (ComfyUI's extra_pnginfo)."""
        valid, error, outputs, node_errors = self.validate(prompt)
        if not valid:
            raise AssertionError(f"ComfyUI refused the prompt: {error} {node_errors}")
        self.server.messages.clear()
        self.executor.execute(prompt, str(uuid.uuid4()), {"client_id": "test", "extra_pnginfo": info}, outputs)
        result = RunResult(outputs=self.executor.history_result["outputs"])
        for event, data in self.server.messages:
            if event == "executing" and data.get("node") is not None:
                result.executed.append(data["node"])
            elif event == "execution_error":
                result.error = data
            elif event == "execution_interrupted":
                result.interrupted = True
        for event, data in self.executor.status_messages:
            if event == "execution_cached":
                result.cached = list(data["nodes"])
        return result

    def complaint(self, prompt: dict[str, Any]) -> str:
        """What is wrong with a prompt, before it runs or then. Newer ComfyUIs refuse wrong choices before."""
        valid, _, _, node_errors = self.validate(prompt)
        return self.run(prompt).message if valid else str(node_errors)

    def call(self, node_id: str, **inputs: Any) -> tuple[Any, ...]:
        """Run one V3 node's `execute` with ready values, as the executor would, and return its outputs."""
        node = self.nodes.NODE_CLASS_MAPPINGS[node_id]
        hidden: dict[str, Any] = {"hidden": {}, "hidden_inputs": {}}  # older and newer ComfyUIs' name for them
        clone = node.PREPARE_CLASS_CLONE(hidden) if hasattr(node, "PREPARE_CLASS_CLONE") else node
        import torch

        with torch.inference_mode():
            result = clone.execute(**inputs)
        return tuple(result.result) if result.result is not None else ()
