"""Jobs as plain data: from workflow files, seeds and settings to prompts. Pure, but for reading input files."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...files import sha256_of
from ..workflow import edit as workflows
from ..workflow.edit import Setting, Workflow
from ..workflow.needs import FileNeed, local_file, model_needs, prompt_files
from ..workflow.prompt import Prompt, WorkflowError, find_nodes, is_prompt, node_title, widgets_of

SEED_WIDGETS = ("seed", "noise_seed")


@dataclass(frozen=True)
class JobFile:
    """An input file that travels with its job. need: where the prompt names it. sha256: of its content, in hex."""

    need: FileNeed
    path: Path
    sha256: str


@dataclass(frozen=True)
class CellJob:
    """A cell of a sweep that a job makes. name: what tells it apart. values: what makes it. title: for messages."""

    key: str
    name: tuple[str, ...]
    values: dict[str, Any]
    title: str = ""


@dataclass(frozen=True)
class BatchJob:
    """One prompt to run. workflow: the UI graph that its pictures shall open as, None where there is none.

    sweep, cells: the name of the sweep that this is a part of, and its cells, one for each picture in their order.
    node: the only one whose files are its results; empty: all are. models: name and sha256 of those that are known.
    """

    name: str
    prompt: Prompt
    workflow: Workflow | None = None
    files: tuple[JobFile, ...] = ()
    sweep: str = ""
    cells: tuple[CellJob, ...] = ()
    node: str = ""
    models: tuple[tuple[str, str], ...] = ()

    @cached_property
    def key(self) -> str:
        """A hash of all that makes its results: the prompt without its titles, the content of its files and models."""
        nodes = {i: {"class_type": n["class_type"], "inputs": n["inputs"]} for i, n in self.prompt.items()}
        files = sorted((file.need.node_id, file.need.input, file.sha256) for file in self.files)
        parts = [nodes, files, self.models] if self.models else [nodes, files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def with_models(self, known: Mapping[str, str]) -> BatchJob:
        """The job with the sha256 of those models that it names and that are `known` by name."""
        names = [need.name for need in model_needs(self.prompt)]
        return replace(self, models=tuple((name, known[name]) for name in names if known.get(name)))

    def with_names(self, names: Sequence[str]) -> Prompt:
        """The prompt with these names for its files, one each."""
        prompt = copy.deepcopy(self.prompt)
        for file, name in zip(self.files, names, strict=True):
            prompt[file.need.node_id]["inputs"][file.need.input] = name
        return prompt


def make_jobs(
    sources: dict[str, tuple[Workflow | Prompt, list[Path]]],
    object_info: dict[str, Any],
    seeds: Sequence[int] = (),
    settings: Sequence[Setting] = (),
) -> list[BatchJob]:
    """The jobs of `sources` (by name: a workflow in either format, and the folders of its input files).

    With seeds, one a seed, in which every widget named seed or noise_seed has it; a setting changes what it names after
    that. Raises WorkflowError for a setting that no workflow has, a workflow without a seed, a file outside its folder.
    """
    jobs = []
    hit: list[Setting] = []
    titles: set[str] = set()
    for name, (data, folders) in sources.items():
        try:
            prompt = data if is_prompt(data) else workflows.to_prompt(data, object_info)
            own = [setting for setting in settings if find_nodes(prompt, setting.title)]
            hit += own
            titles |= {node_title(prompt, node_id) for node_id in prompt}
            for label, variant in _set_seed(data, prompt, object_info, seeds):
                for setting in own:
                    variant = _set(variant, object_info, setting)
                jobs.append(_job(name + label, variant, object_info, folders, label))
        except WorkflowError as error:
            raise WorkflowError(f"{name}: {error}") from error
    for setting in settings:
        if setting not in hit:
            raise WorkflowError(
                f"--set {setting.title}.{setting.widget}: no workflow has a node titled '{setting.title}'. There are: "
                f"{', '.join(sorted(titles))}"
            )
    return jobs


def _set_seed(
    data: Workflow | Prompt, prompt: Prompt, object_info: dict[str, Any], seeds: Sequence[int]
) -> Iterator[tuple[str, Workflow | Prompt]]:
    """The workflow with each of the seeds, and what to add to its name."""
    if not seeds:
        yield "", data
        return
    named = [(i, w) for i, n in prompt.items() for w in widgets_of(n["inputs"]) if w in SEED_WIDGETS]
    if not named:
        raise WorkflowError("--seeds: it has no widget named seed or noise_seed")
    if is_prompt(data):
        for seed in seeds:
            changed = copy.deepcopy(data)
            for node_id, widget in named:
                changed[node_id]["inputs"][widget] = seed
            yield f"-seed{seed}", changed
        return
    places = [workflows.locate(data, object_info, i, w, f"--seeds, {node_title(prompt, i)}") for i, w in named]
    for seed in seeds:
        yield f"-seed{seed}", workflows.with_values(data, places, seed)


def _set(data: Workflow | Prompt, object_info: dict[str, Any], setting: Setting) -> Workflow | Prompt:
    if not is_prompt(data):
        return workflows.apply(data, object_info, setting)
    changed = copy.deepcopy(data)
    for node_id in find_nodes(data, setting.title):
        widgets = widgets_of(data[node_id]["inputs"])
        if setting.widget not in widgets:
            raise WorkflowError(
                f"--set {setting.title}.{setting.widget}: the node has no such widget. It has: {', '.join(widgets)}"
            )
        changed[node_id]["inputs"][setting.widget] = setting.value
    return changed


def _job(name: str, data: Workflow | Prompt, object_info: dict[str, Any], folders: list[Path], place: str) -> BatchJob:
    if not is_prompt(data):
        data = workflows.settle(data, object_info, place)
    prompt = data if is_prompt(data) else workflows.to_prompt(data, object_info)
    files = []
    for need in prompt_files(prompt, object_info):
        path = local_file(need.name, folders)
        if path is not None:  # else the server may have it
            files.append(JobFile(need, path, sha256_of(path)))
    return BatchJob(name, prompt, None if is_prompt(data) else data, tuple(files))
