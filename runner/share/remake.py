"""`python run.py remake`: makes pictures again from the workflows they carry, and says how alike they became."""

from __future__ import annotations

import argparse
import io
import json
import random
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from PIL import Image

from ...files import sha256_of, write_whole
from ...nodes.sweep.folder.manifest import MANIFEST, Manifest
from .. import setup
from ..batch.jobs import BatchJob, make_jobs
from ..batch.pool import JobFailed, JobRefused, WorkerLost
from ..batch.servers import ServerWorker
from ..comfyui.address import full_url
from ..comfyui.client import ComfyClient
from ..comfyui.inventory import RunningComfy
from ..comfyui.messages import QueueError
from ..comfyui.process import ComfyServer, ServerError, has_gpu, own_folders
from ..engine import SetupError
from ..workflow.needs import ModelNeed, folders_beside, model_file, model_needs, node_needs
from ..workflow.prompt import Prompt, WorkflowError
from ..workflow.reading import Document, Graph, read_picture_texts, read_workflow
from ..workflow.workflow import Workflow
from .archive import plain
from .bundle import Bundle
from .check import describe, examine, say_error
from .options import DIFFERENT, NOT_MADE, SAME
from .verdict import Likeness, compare, list_changes, list_reasons

MAKER_ROUTE, MAKER_MARK = "/steer/maker", "steer"  # as in nodes/comfy_maker.py
MAX_NAMES = 100  # names of models that are asked for at once
_SAVERS = {"SaveImage": "PreviewImage"}  # so that nothing is left in the output folder of a ComfyUI of the user's


@dataclass(frozen=True)
class Original:
    """A picture and what it says of itself. prompt: what made it. maker: see nodes/comfy_maker.py; may be empty."""

    path: Path
    picture: Image.Image
    prompt: Prompt | None
    graph: Graph | None
    maker: dict[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> Document:
        """What is run to make it again: the prompt that made it, which a seed that changes after a run leaves alone."""
        return self.prompt or self.graph or {}


@dataclass(frozen=True)
class Remade:
    """What became of one picture. verdict: None where it could not be made; then reasons say why."""

    original: Original
    verdict: Likeness | None
    reasons: tuple[str, ...] = ()
    content: bytes = b""


def run(options: argparse.Namespace) -> int:
    """Make the pictures again and print the verdicts; returns the exit code."""
    try:
        paths = [path for each in options.pictures for path in choose(each, options.cells, options.seed)]
        originals = [read_original(path) for path in paths]
        with open_comfyui(options.comfyui_url) as place:
            return SAME if remake_all(originals, place, options.input, options.out) else DIFFERENT
    except (WorkflowError, QueueError, ServerError, SetupError, OSError) as error:
        say_error(error)
        return NOT_MADE


def remake_bundle(folder: Path, bundle: Bundle, url: str | None) -> int:
    """Run the workflow of an unpacked zip for each picture that came along; the new ones go to `remade` beside them.

    Returns the exit code.
    """
    if not bundle.expected:
        print("  Nothing to compare: no picture was packed. `run.py pack --expected PICTURE` adds one.")
        return SAME
    try:
        originals = [read_original(folder / name, needs_prompt=False) for name in bundle.expected]
        document = read_workflow(folder / bundle.workflow)
        with open_comfyui(url) as place:
            changed = [] if url else list(_changed_models(bundle.models, setup.COMFYUI / "models"))
            same = remake_all(originals, place, [folder / "input"], folder / "remade", document, changed)
        return SAME if same else DIFFERENT
    except (WorkflowError, QueueError, ServerError, SetupError, OSError) as error:
        say_error(error)
        return NOT_MADE


def _changed_models(needs: Sequence[ModelNeed], models: Path) -> Iterator[str]:
    """A line for each model that is another file here than where the zip was packed."""
    for need in needs:
        path = model_file(need, models)
        if path is not None and need.sha256 and need.sha256 != sha256_of(path):
            yield f"model {need.name}: another file under this name (its sha256 differs)"


def choose(path: Path, count: int, seed: int) -> list[Path]:
    """The picture at `path`; of the folder of a sweep, `count` of its finished cells, drawn by `seed`.

    Raises:
        WorkflowError: a folder holds no sweep, or none of its cells is finished.
    """
    if not path.is_dir():
        return [path]
    if not (path / MANIFEST).is_file():
        raise WorkflowError(f"{path} holds no sweep: it has no {MANIFEST}. Name the pictures in it.")
    manifest = Manifest(path)
    cells = {cell.key for grid in manifest.grids for cell in grid.cells}
    finished = sorted({record.file for record in map(manifest.finished, cells) if record and record.file})
    if not finished:
        raise WorkflowError(f"{path}: no cell of this sweep is finished.")
    chosen = random.Random(seed).sample(finished, min(count, len(finished)))
    return [path / name for name in sorted(chosen)]


def read_original(path: Path, needs_prompt: bool = True) -> Original:
    """A picture with its prompt and workflow. needs_prompt: it must have one of them.

    Raises:
        WorkflowError: it is no picture, or none that ComfyUI saved.
    """
    texts = read_picture_texts(path, MAKER_MARK, needs_prompt)
    try:
        said = json.loads(texts.more) if texts.more else {}
    except (ValueError, RecursionError):
        said = {}
    with Image.open(path) as picture:
        picture.load()
    return Original(path, picture, texts.prompt, texts.graph, said if isinstance(said, dict) else {})


@contextmanager
def open_comfyui(url: str | None) -> Iterator[RunningComfy]:
    """The running ComfyUI at `url`; without one, Steer's own is started, with folders of its own."""
    if url:
        yield RunningComfy(ComfyClient(full_url(url)))
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temp:
        arguments = own_folders(Path(temp), "temp", "user", "output")
        arguments += ["--database-url", f"sqlite:///{temp}/comfyui.db"]
        arguments += [] if has_gpu(setup.PYTHON) else ["--cpu"]
        print("Starting ComfyUI ...", flush=True)
        with ComfyServer(setup.COMFYUI, setup.PYTHON, Path(temp) / "comfyui.log", arguments=arguments) as server:
            yield RunningComfy(ComfyClient(server.url, server.check_alive))


def remake_all(
    originals: Sequence[Original],
    place: RunningComfy,
    folders: list[Path],
    out: Path | None,
    document: Document | None = None,
    known: Sequence[str] = (),
) -> bool:
    """Make each picture again and print what became of it; whether all are the same.

    out: where they are written. document: see `remake`. known: what is known to differ already, one line each.
    """
    every = True
    for original in originals:
        remade = remake(original, place, folders, document)
        same = remade.verdict is not None and remade.verdict.is_same
        remade = remade if same else replace(remade, reasons=(*remade.reasons, *known))
        print(plain(f"{original.path}: {remade.verdict or 'NOT MADE'}"), flush=True)
        print("".join(f"  {plain(reason)}\n" for reason in remade.reasons), end="", flush=True)
        if out is not None and remade.content:
            out.mkdir(parents=True, exist_ok=True)
            write_whole(target := out / f"{original.path.stem}-remade.png", remade.content)
            print(plain(f"  {target}"))
        every &= same
    return every


def remake(original: Original, place: RunningComfy, folders: list[Path], document: Document | None = None) -> Remade:
    """Make a picture again. folders: where its input files may lie. document: run this workflow instead."""
    folders = [*folders, *folders_beside(original.path)]
    document = document or original.document
    try:
        missing = [line for line in describe(examine(document, place, folders)) if line.startswith("MISSING")]
        if missing:
            return Remade(original, None, tuple(missing))
        (job,) = make_jobs({original.path.name: (document, folders)}, place.object_info)
        found = ServerWorker(place.client).run(_previewed(job))
    except (WorkflowError, JobRefused, JobFailed) as error:
        return Remade(original, None, (str(error), *_reasons(original, place, original.prompt or {})))
    except WorkerLost as error:
        raise QueueError(str(error)) from error
    verdict, content = _nearest(original.picture, [content for _, content in found.files])
    if verdict is None:
        return Remade(original, None, ("the workflow gives no picture",))
    reasons = () if verdict.is_same else (*_reasons(original, place, job.prompt),)
    return Remade(original, verdict, reasons, content)


def _previewed(job: BatchJob) -> BatchJob:
    prompt = {}
    for node_id, node in job.prompt.items():
        kind = _SAVERS.get(node["class_type"])
        inputs = {name: value for name, value in node["inputs"].items() if kind is None or name == "images"}
        prompt[node_id] = {**node, "class_type": kind or node["class_type"], "inputs": inputs}
    return BatchJob(job.name, prompt, None, job.files)


def _nearest(original: Image.Image, contents: Sequence[bytes]) -> tuple[Likeness | None, bytes]:
    """The most alike of the pictures that a workflow gives: it may give several."""
    best: tuple[Likeness | None, bytes] = (None, b"")
    for content in contents:
        try:
            with Image.open(io.BytesIO(content)) as picture:
                verdict = compare(original, picture)
        except OSError:  # a text or a sound
            continue
        if best[0] is None or _distance(verdict) < _distance(best[0]):
            best = verdict, content
    return best


def _distance(verdict: Likeness) -> tuple[bool, bool, float, int]:
    return verdict.largest is None, not verdict.is_same, verdict.share, verdict.largest or 0


def _reasons(original: Original, place: RunningComfy, prompt: Prompt) -> Iterator[str]:
    """Why the picture differs, as far as it can be known."""
    graph = original.graph
    packs = {need.pack: need.version for need in node_needs(graph)} if graph else {}
    names = sorted({*(original.maker.get("models") or {}), *(need.name for need in model_needs(prompt))})
    yield from list_reasons(original.maker, describe_place(place, names), prompt, packs)
    if prompt != original.prompt and original.prompt:
        yield from list_changes(original.prompt, prompt)
    elif graph and original.prompt:
        try:
            yield from list_changes(original.prompt, Workflow(graph, place.object_info).prompt)
        except WorkflowError as error:
            yield f"its workflow cannot be read here: {error}"
    if not original.maker:
        yield "the picture does not say which model files and which processor made it: only Steer's sweeps do"


def describe_place(place: RunningComfy, models: Sequence[str]) -> dict[str, Any]:
    """What a running ComfyUI says of itself, as nodes/comfy_maker.py does; less where its Steer is older."""
    query = urllib.parse.urlencode([("model", name) for name in models[:MAX_NAMES]])
    try:
        found = place.client.get(f"{MAKER_ROUTE}?{query}")
    except QueueError:
        found = {}
    system = place.client.get("/system_stats").get("system") or {}
    return {"comfyui": str(system.get("comfyui_version") or ""), **(found if isinstance(found, dict) else {})}
