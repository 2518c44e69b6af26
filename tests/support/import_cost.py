"""Times the loading of the pack in a ComfyUI that has loaded its own nodes; prints JSON: ms, cpu_ms, nodes, pulled_in.

Usage: import_cost.py CHECKOUT BASE_FOLDER COMFYUI. ComfyUI itself prints tenths of a second only. It is done several
times, each after the pack was forgotten; a line of JSON each. A forked copy of ComfyUI would do, too, but it copies
the memory that it writes to, which is a third on top and no cost of the pack.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import json
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from aiohttp import web

TIMES = 7  # the least of them counts


def main(root: Path, base: str, comfyui: str) -> None:
    sys.argv = ["main.py", "--cpu", "--base-directory", base, "--disable-api-nodes"]
    sys.path[0] = comfyui
    import comfy.options

    comfy.options.enable_args_parsing()
    importlib.import_module("utils.extra_config")
    import nodes

    # What a starting ComfyUI has loaded before it comes to custom nodes.
    server = importlib.import_module("server")
    asyncio.run(nodes.init_builtin_extra_nodes())
    sys.pycache_prefix = str(Path(base) / "cache")  # of Steer's sources alone: compiling all of torch takes minutes
    own = set(sys.modules)
    for _ in range(TIMES):
        forget(own)
        server.PromptServer.instance = SimpleNamespace(routes=web.RouteTableDef())  # to which the pack adds its own
        measure(root)


def forget(own: set[str]) -> None:
    """Leave ComfyUI as it was before it loaded the pack: its own modules, no compiled pattern, no seen folder."""
    for name in set(sys.modules) - own:
        del sys.modules[name]
    re.purge()
    importlib.invalidate_caches()
    gc.collect()  # else the garbage of ComfyUI's own start is counted in one load or another


def measure(root: Path) -> None:
    before = set(sys.modules)
    started, worked = time.perf_counter(), time.thread_time()
    spec = importlib.util.spec_from_file_location("steer", root / "__init__.py", submodule_search_locations=[str(root)])
    assert spec is not None
    assert spec.loader is not None
    pack = importlib.util.module_from_spec(spec)
    sys.modules["steer"] = pack
    spec.loader.exec_module(pack)
    extension = asyncio.run(pack.comfy_entrypoint())
    found = asyncio.run(extension.get_node_list())
    schemas = [node.GET_SCHEMA() for node in found]
    ms, cpu_ms = (time.perf_counter() - started) * 1000, (time.thread_time() - worked) * 1000
    pulled_in = sorted({name.split(".")[0] for name in set(sys.modules) - before})
    print(
        json.dumps(
            {"ms": ms, "cpu_ms": cpu_ms, "nodes": [schema.node_id for schema in schemas], "pulled_in": pulled_in}
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), *sys.argv[2:])
