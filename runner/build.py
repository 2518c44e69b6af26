"""`python run.py workflows`: write workflows/*.json anew from workflows/source/, and their thumbnails when asked."""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from . import setup
from .client import ComfyClient
from .graph import Graph
from .pack import load_pack, version
from .server import ComfyServer, has_gpu
from .slides import run_slide
from .workflow import FOLDER

THUMBNAIL = 512


def sources() -> list[str]:
    return sorted(path.stem for path in (FOLDER / "source").glob("s[0-9]*.py"))


def build(object_info: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(name, workflow, title of the node whose picture is its thumbnail) for every slide and each of its kits.

    The pack must have been loaded as `steer`.
    """
    for source in sources():
        module = importlib.import_module(f"steer.workflows.source.{source}")
        for kit in importlib.import_module("steer.workflows.source.kits").KITS:
            name = module.NAME + kit.suffix
            graph = Graph(name, object_info, version())
            module.build(graph, kit)
            yield name, graph.to_json(), module.THUMBNAIL


def text_of(workflow: dict[str, Any]) -> str:
    return json.dumps(workflow, indent=1, ensure_ascii=False) + "\n"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python run.py workflows")
    parser.add_argument("--thumbnails", action="store_true", help="also run them and make their thumbnails anew")
    options = parser.parse_args(argv)
    load_pack()
    with tempfile.TemporaryDirectory() as temp:
        arguments = [] if has_gpu(setup.PYTHON) else ["--cpu"]
        with ComfyServer(setup.COMFYUI, setup.PYTHON, Path(temp) / "comfyui.log", arguments=arguments) as server:
            client = ComfyClient(server.url, server.check_alive)
            object_info = client.get("/object_info")
            for name, workflow, shown in build(object_info):
                path = FOLDER / f"{name}.json"
                path.write_text(text_of(workflow), encoding="utf-8")
                print(f"wrote {path.relative_to(setup.ROOT)}")
                if options.thumbnails:
                    slide = run_slide(client, name, workflow, object_info, Path(temp))
                    if not slide.ok:
                        return 1
                    _thumbnail(slide.pictures[slide.captions.index(shown)], path.with_suffix(".jpg"))
    return 0


def _thumbnail(picture: Path, target: Path) -> None:
    """The template browser shows NAME.jpg beside NAME.json, cropped to about a square."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        small.save(target, quality=88)
