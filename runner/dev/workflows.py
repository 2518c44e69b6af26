"""`run.py workflows`: writes workflows/*.json and subgraphs/*.json from workflows/source/, and pictures when asked."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from ...nodes.identity import version
from ...workflows.source.blueprints import BLUEPRINTS
from ...workflows.source.builder import GraphBuilder
from ...workflows.source.slides import SLIDES
from ...workflows.source.subgraph import SubgraphBuilder
from ...workflows.source.today import KITS
from .. import setup
from ..comfyui.client import ComfyClient
from ..comfyui.process import ComfyServer, has_gpu
from ..slides.command import run_slide
from ..workflow import FOLDER, is_twin
from .thumbnails import QUALITY, save_marked, save_thumbnail

LARGEST = 768, 1100  # of the pictures of the help pages and the README, which show them that wide
BLUEPRINT_FOLDER = setup.ROOT / "subgraphs"  # where ComfyUI looks for blueprints of a pack
HELP = setup.ROOT / "nodes" / "web" / "docs" / "pictures"


class BuiltWorkflow(NamedTuple):
    """A workflow as its source describes it.

    thumbnail, help: titles of the nodes whose pictures the template browser and the help pages show. tiles: which
    pictures of the sheet are on the thumbnail; none for all of it.
    """

    name: str
    workflow: dict[str, Any]
    thumbnail: str
    tiles: tuple[int, ...]
    help: tuple[str, ...]


def build(object_info: dict[str, Any]) -> Iterator[BuiltWorkflow]:
    """Every slide with each of its kits. object_info: a server's /object_info."""
    for slide in SLIDES:
        for kit in (kit for kit in KITS if kit.has_slide(slide.NAME)):
            name = slide.NAME + kit.suffix
            graph = GraphBuilder(name, object_info, version())
            slide.build(graph, kit)
            yield BuiltWorkflow(name, graph.to_json(), slide.THUMBNAIL, tuple(slide.TILES), tuple(slide.HELP))


def build_blueprints(object_info: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and file of every blueprint. object_info: a server's /object_info."""
    for name, describe in BLUEPRINTS.items():
        graph = SubgraphBuilder(name, object_info, version(), called=name, about=(describe.__doc__ or "").strip())
        describe(graph)
        yield name, graph.to_json()


def text_of(workflow: dict[str, Any]) -> str:
    """A workflow as its file holds it."""
    return json.dumps(workflow, indent=1, ensure_ascii=False) + "\n"


def run(options: argparse.Namespace) -> int:
    """Write every bundled workflow; returns the exit code."""
    with tempfile.TemporaryDirectory() as temp:
        arguments = [] if has_gpu(setup.PYTHON) else ["--cpu"]
        with ComfyServer(setup.COMFYUI, setup.PYTHON, Path(temp) / "comfyui.log", arguments=arguments) as server:
            client = ComfyClient(server.url, server.check_alive)
            object_info = client.node_definitions()
            for name, blueprint in build_blueprints(object_info):
                _write(BLUEPRINT_FOLDER / f"{name}.json", blueprint)
            for built in build(object_info):
                _write(FOLDER / f"{built.name}.json", built.workflow)
                if _needs_pictures(built.name, options.pictures):
                    slide = run_slide(client, built.name, built.workflow, object_info, Path(temp))
                    if not slide.ok:
                        return 1
                    pictures = dict(zip(reversed(slide.captions), reversed(slide.pictures), strict=True))
                    _write_pictures(built, pictures)
    return 0


def _write(path: Path, workflow: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text_of(workflow), encoding="utf-8")
    print(f"wrote {path.relative_to(setup.ROOT)}")


def help_picture(workflow: str, title: str) -> str:
    """The file name of a help page's picture: the slide's number and the title of the node that shows it."""
    return f"{workflow[:2]}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.jpg"


def _needs_pictures(name: str, starts: list[str] | None) -> bool:
    """Whether the pictures of this workflow are to be made. A twin, whose models may not be there, has copies."""
    return starts is not None and not is_twin(name) and (not starts or name.startswith(tuple(starts)))


def _write_pictures(built: BuiltWorkflow, pictures: dict[str, Path]) -> None:
    """pictures: the first picture of each node, by title. The template browser crops NAME.jpg to a square."""
    save_thumbnail(pictures[built.thumbnail], built.tiles, FOLDER / f"{built.name}.jpg")
    mark_twins(built.name)
    for title in built.help:
        _save_help(pictures[title], HELP / help_picture(built.name, title))


def mark_twins(name: str) -> None:
    """Give the twins of a workflow its thumbnail, with the name of their model on it."""
    for kit in (kit for kit in KITS if kit.suffix and kit.has_slide(name)):
        save_marked(FOLDER / f"{name}.jpg", kit.mark, FOLDER / f"{name}{kit.suffix}.jpg")


def _save_help(picture: Path, target: Path) -> None:
    """Save a picture no larger than LARGEST."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
        small.thumbnail(LARGEST, Image.Resampling.LANCZOS)
        target.parent.mkdir(parents=True, exist_ok=True)
        small.save(target, quality=QUALITY, optimize=True)
