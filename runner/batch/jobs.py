"""Jobs as plain data: from workflows, seeds and settings to prompts. Pure, but for reading input files."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ...files import sha256_of
from ..workflow.media import plain_name
from ..workflow.needs import FileNeed, local_file, model_needs, prompt_files
from ..workflow.prompt import Prompt, WorkflowError
from ..workflow.reading import Document, Graph
from ..workflow.settings import Setting, apply_settings, name_in_errors
from ..workflow.workflow import Workflow


@dataclass(frozen=True)
class JobFile:
    """An input file that travels with its job. need: where the prompt names it. sha256: of its content, in hex."""

    need: FileNeed
    path: Path
    sha256: str


@dataclass(frozen=True)
class CellJob:
    """A cell of a sweep that a job makes. name: its labels. values: what makes it. title: for messages."""

    key: str
    name: tuple[str, ...]
    values: dict[str, Any]
    title: str = ""


@dataclass(frozen=True)
class BatchJob:
    """One prompt to run. workflow: the UI graph that its pictures shall open as, None where there is none.

    sweep, cells: the name of the sweep that this is a part of, and its cells, one for each picture in their order.
    node: the only one whose files are its results; empty: all are. models: name and sha256 of those that are known.
    dated: inputs in which a date was replaced, by node id and name, each with its text before.
    """

    name: str
    prompt: Prompt
    workflow: Graph | None = None
    files: tuple[JobFile, ...] = ()
    sweep: str = ""
    cells: tuple[CellJob, ...] = ()
    node: str = ""
    models: tuple[tuple[str, str], ...] = ()
    dated: tuple[tuple[str, str, str], ...] = ()

    @cached_property
    def key(self) -> str:
        """A hash of all that makes its results: the prompt without its titles, the content of its files and models.

        The date of today is no part of it: the same job is done once, not once a day.
        """
        nodes = {i: {"class_type": n["class_type"], "inputs": n["inputs"]} for i, n in self.prompt.items()}
        for i, name, text in self.dated:
            if i in nodes:
                nodes[i] = {**nodes[i], "inputs": {**nodes[i]["inputs"], name: text}}
        files = sorted((file.need.node_id, file.need.input, file.sha256) for file in self.files)
        parts = [nodes, files, self.models] if self.models else [nodes, files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def with_models(self, known: Mapping[str, str]) -> BatchJob:
        """The job with the sha256 of those models that it names and that are `known` by name."""
        names = [need.name for need in model_needs(self.prompt)]
        return replace(self, models=tuple((name, known[name]) for name in names if known.get(name)))

    def name_files(self, names: Sequence[str]) -> Prompt:
        """The prompt with these names for its input files, one each."""
        prompt = copy.deepcopy(self.prompt)
        for file, name in zip(self.files, names, strict=True):
            prompt[file.need.node_id]["inputs"][file.need.input] = name
        return prompt


@dataclass(frozen=True)
class JobOutput:
    """What a job gave: files, each with its name on the server and its content; texts of its output nodes."""

    seconds: float
    files: tuple[tuple[str, bytes], ...]
    texts: tuple[str, ...] = ()


def make_jobs(
    sources: Mapping[str, tuple[Document, list[Path]]],
    object_info: dict[str, Any],
    seeds: Sequence[int] = (),
    settings: Sequence[Setting] = (),
    note: Callable[[str], None] = lambda line: None,
) -> list[BatchJob]:
    """The jobs of `sources` (by name: a workflow in either format, and the folders of its input files).

    With seeds, one a seed, which every seed of the workflow has. Settings have the last word. note: takes what the user
    should know.

    Raises:
        WorkflowError: a setting concerns no workflow, a workflow has no seed that can be set, or an input file lies
            outside its folder.
    """
    workflows = {name: Workflow(data, object_info) for name, (data, _) in sources.items()}
    for name, workflow in workflows.items():
        with name_in_errors(name):
            if not workflow.titles():
                raise WorkflowError("nothing of it runs. It has no nodes, or all are muted, bypassed or notes.")
            for line in workflow.notes:
                note(f"Note: {name}: {line}")
    jobs = []
    for name, workflow in apply_settings(workflows, settings).items():
        with name_in_errors(name):
            if seeds and (several := workflow.describe_seeds()):
                note(f"Note: {name}: --seeds sets {several}.")
            for label, variant in _set_seeds(workflow, seeds, settings):
                jobs.append(_make_job(name + label, variant.settle(label), sources[name][1]))
    return jobs


def _set_seeds(workflow: Workflow, seeds: Sequence[int], settings: Sequence[Setting]) -> Iterator[tuple[str, Workflow]]:
    """The workflow with each of the seeds, but where a setting says otherwise, and what to add to its name."""
    if not seeds:
        yield "", workflow
        return
    fixed = {workflow.find_place(i, each.widget) for each in settings for i in workflow.find_nodes(each.title)}
    if fixed.issuperset(workflow.seed_values(0)):  # no file is named after a seed that did not make it
        yield "", workflow
        return
    for seed in seeds:
        values = {place: value for place, value in workflow.seed_values(seed).items() if place not in fixed}
        yield f"-seed{seed}", workflow.with_values(values)


def _make_job(name: str, workflow: Workflow, folders: list[Path]) -> BatchJob:
    files = []
    for need in prompt_files(workflow.prompt, workflow.object_info):
        path = local_file(need.name, folders)
        if path is not None:  # else the server may have it
            files.append(JobFile(replace(need, name=plain_name(need.name, path)), path, sha256_of(path)))
    dated = tuple((*each, text) for each, text in sorted(workflow.dated.items()))
    return BatchJob(name, workflow.prompt, workflow.graph, tuple(files), dated=dated)
