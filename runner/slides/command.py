"""`run.py slides`: runs the bundled workflows in a real ComfyUI, keeps their pictures, makes the gallery."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from .. import setup
from .. import workflow as workflows
from ..comfyui.address import DEFAULT_PORT
from ..comfyui.client import ComfyClient
from ..comfyui.inventory import RunningComfy
from ..comfyui.messages import Progress, QueueError
from ..comfyui.process import ComfyServer, ServerError, has_gpu, own_folders, port_is_free
from ..console import PlainConsole
from ..engine import SetupError, is_own
from ..files import names_of
from ..share.check import twins_with_models
from ..workflow import Graph, Setting, Workflow, WorkflowError, apply_settings
from ..workflow.prompt import node_title
from . import gallery
from .folder import keep
from .promises import measure_promise
from .slide import Slide

console = PlainConsole(highlight=False, emoji=False)


def run(options: argparse.Namespace) -> int:
    """Run the workflows that the options name; returns the exit code."""
    try:
        settings = [Setting.parse(text) for text in options.settings]
        paths = list(dict.fromkeys(path for name in options.only for path in workflows.find_workflows(name)))
        if not options.only and not options.serve:
            paths = workflows.list_bundled()
        named = dict(zip(names_of(paths), paths, strict=True))
        graphs = {name: workflows.read_graph(path) for name, path in named.items()}
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp, _start_server(options, temp) as server:
            # The figures hold for the bundled workflows as they are.
            bundled = [] if settings else workflows.list_bundled()
            measured = {name for name, path in named.items() if path in bundled and name == path.stem}
            return _run_all(server, graphs, settings, options, measured)
    except (WorkflowError, ServerError, QueueError, SetupError, OSError) as error:
        console.print(f"[red]Error:[/] {escape(str(error))}", soft_wrap=True)
        return 1


def _start_server(options: argparse.Namespace, temp: str) -> ComfyServer:
    """Start a ComfyUI.

    temp: for temporary pictures. Every ComfyUI that starts empties the folder that all share otherwise.
    """
    setup.link_into(setup.COMFYUI)
    gpu = has_gpu(setup.PYTHON)
    console.print(f"Starting ComfyUI{'' if gpu else ' (no GPU found: on the CPU)'} ...")
    arguments = ["--temp-directory", temp, *([] if gpu else ["--cpu"])]
    if not is_own():  # it may be running: two of them cannot share one user's folder and database
        arguments += [*own_folders(Path(temp), "user"), "--database-url", f"sqlite:///{temp}/comfyui.db"]
    port = options.port
    if port is None and options.serve and port_is_free(DEFAULT_PORT):
        port = DEFAULT_PORT  # where `queue` looks for it
    return ComfyServer(setup.COMFYUI, setup.PYTHON, options.out / "comfyui.log", port, arguments)


def _run_all(
    server: ComfyServer,
    graphs: dict[str, Graph],
    settings: list[Setting],
    options: argparse.Namespace,
    measured: Collection[str],
) -> int:
    """measured: the names of the slides whose promises are measured."""
    client = ComfyClient(server.url, server.check_alive)
    place = RunningComfy(client)
    object_info = place.object_info
    console.print(f"ComfyUI is at {server.url}")
    if not options.only and not options.serve:
        graphs = graphs | twins_with_models(place)
    graphs = _with_settings(graphs, object_info, settings)
    slides = [
        run_slide(client, name, graph, object_info, options.out, name in measured) for name, graph in graphs.items()
    ]
    if slides:
        page = gallery.write(slides, options.out)
        console.print(f"Gallery: {page}", soft_wrap=True, markup=False)
    if options.serve:
        console.print(f"ComfyUI stays open at {server.url} - press Ctrl-C to end it.")
        if server.port != DEFAULT_PORT:
            console.print(f"A batch on it: python run.py queue FILE... --comfyui-url {server.url}", soft_wrap=True)
        while True:
            server.check_alive()
            time.sleep(1)
    return 0 if all(slide.ok for slide in slides) else 1


def _with_settings(graphs: dict[str, Graph], object_info: dict[str, Any], settings: list[Setting]) -> dict[str, Graph]:
    if not settings:
        return graphs
    changed = apply_settings({name: Workflow(graph, object_info) for name, graph in graphs.items()}, settings)
    return {name: workflow.data for name, workflow in changed.items()}


def run_slide(
    client: ComfyClient, name: str, graph: Graph, object_info: dict[str, Any], out: Path, measure: bool = False
) -> Slide:
    """Run one workflow, keep its pictures in `out/name/`, check them, print what came out.

    measure: measure what the slide promises, too.
    """
    slide = Slide(name, workflows.note_of(graph))
    bar = Bar(
        TextColumn("{task.description:38}", markup=False),
        BarColumn(24),
        TextColumn("{task.fields[what]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with bar:
        task = bar.add_task(name, total=1.0, what="")

        def show_progress(progress: Progress) -> None:
            step = f" {progress.step}/{progress.steps}" if progress.steps else ""
            bar.update(task, completed=progress.share, what=f"{progress.title[:32]}{step}")

        try:
            workflow = Workflow(graph, object_info).settle()
            prompt = workflow.prompt
            outcome = client.run(prompt, workflow.graph, show_progress)
            slide.seconds = outcome.seconds
            files, slide.checks = keep(out / name, [(each, client.fetch(each)) for each in outcome.pictures])
            slide.pictures = [path for _, path in files]
            slide.saved = {path for each, path in files if each.type == "output"}
            slide.captions = [node_title(prompt, each.node_id) for each, _ in files]
            if measure:
                bar.update(task, completed=1.0, what="measuring")
                slide.promises = {each.text: each.holds for each in measure_promise(client, name, prompt)}
        except (QueueError, WorkflowError, OSError) as error:
            slide.error = str(error)
    console.print(_format_slide(slide), markup=True)
    return slide


def _format_slide(slide: Slide) -> str:
    """What is printed of a slide, in rich's markup. Text of a workflow is foreign: it is escaped."""
    name = escape(slide.name)
    if slide.error:
        return f"[red]failed[/] {name}\n       {escape(slide.error)}"
    mark = "[green]ok[/]    " if slide.ok else "[red]failed[/]"
    bad = [check for check, passed in slide.checks.items() if not passed]
    checks = f"{len(slide.checks)} checks passed" if not bad else "failed: " + ", ".join(bad)
    plural = "s" if len(slide.pictures) != 1 else ""
    found = "".join(
        f"\n       {'' if holds else '[red]NOT KEPT[/] '}{escape(text)}" for text, holds in slide.promises.items()
    )
    return f"{mark} {name}: {len(slide.pictures)} picture{plural}, {slide.seconds:.1f} s, {checks}{found}"
