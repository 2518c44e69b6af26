"""Sampling for Early Pick: the first steps of many seeds, kept, and the chosen ones to the end as if never stopped."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import comfy.model_management as management
import comfy.model_patcher
import comfy.patcher_extension as extension
import comfy.utils
import folder_paths
import torch

from ...comfy_sampling import sample_custom
from ...prompt_graph import nodes_of
from ...seeds.comfy_noise import PerImageSampler, SeededNoise
from ...seeds.noise import Draw, split_batches
from ..plan.cell_key import Upstream, hash_json, to_json
from ..plan.comfy_model_files import identify_file, read_node_state
from .store import EarlyPicture, Store
from .tape import Counter, EnoughError, Recording, Replay

Latent = dict[str, Any]
Tape = Counter | Recording | Replay

KEY = "steer_early_pick"
FOLDER = "steer-early-pick"  # in ComfyUI's folder of the user, which a restart does not empty
PREVIEW = 512  # pixels of the long side
# Nodes whose model remembers earlier steps (comfy_extras/nodes_easycache.py). What they do in the first steps is not
# done again by a later run.
_REMEMBERING = ("easycache", "lazycache")


@dataclass
class PickJob:
    """What is sampled. latent: of one picture, or of as many as there are draws. batch: the most pictures at once."""

    noise: SeededNoise
    guider: Any
    sampler: Any
    sigmas: torch.Tensor
    latent: Latent
    batch: int
    steps: int
    rows: int = field(default=0, init=False)  # of pictures that the network computed
    missed: int = field(default=0, init=False)  # kept answers that did not fit

    def __post_init__(self) -> None:
        if isinstance(self.sampler, PerImageSampler):
            self.sampler = self.sampler.base
        total = len(self.sigmas) - 1
        if self.sigmas.ndim != 1 or total < 2:
            raise ValueError("sigmas: the schedule needs at least two steps. Connect SIGMAS of a scheduler.")
        if not 1 <= self.steps < total:
            raise ValueError(f"steps: {self.steps} of {total} steps leave nothing to finish. Use 1 to {total - 1}.")
        _check_latent(self.latent, len(self.noise.draws))
        _check_guider(self.guider, len(self.noise.draws))
        PerImageSampler(self.sampler, self.noise)  # refuses, by name, those that couple the pictures of a batch

    @property
    def draws(self) -> tuple[Draw, ...]:
        """One for each picture."""
        return self.noise.draws


def open_store(job: PickJob, node_id: str, dynprompt: Any) -> Store:
    """The store of what a job's pictures have in common: the graph before its inputs, the schedule and the latent."""
    nodes = nodes_of(dynprompt)
    if nodes(node_id) is None:
        return Store(None, "")
    upstream = Upstream(nodes, identify_file, read_node_state)
    graph = [upstream.hash_input(node_id, name) for name in ("guider", "sampler", "vae")]
    run = hash_json([graph, to_json(job.sigmas), to_json(job.latent), job.steps])
    return Store(Path(folder_paths.get_user_directory()) / FOLDER, run[:32])


def name_seed(job: PickJob, draw: Draw) -> str:
    """The name under which a picture is kept."""
    return f"{job.noise.rng} {draw.seed} {draw.variation_seed} {draw.strength}"


def make_early(job: PickJob, store: Store, vae: Any) -> list[EarlyPicture]:
    """Every picture after its first steps, from the store or made now; each batch is kept before the next begins.

    Raises:
        ValueError: the sampler did not report its steps, or the network is called past ComfyUI's own way.
        InterruptProcessingException: the user pressed Cancel.
    """
    missing = [i for i, draw in enumerate(job.draws) if store.get(name_seed(job, draw)) is None]
    if missing:
        limit = _count_calls(job)
        progress = comfy.utils.ProgressBar(len(missing))
        for part in split_batches(missing, job.batch):
            for index, picture in zip(part, _first_steps(job, part, limit), strict=True):
                picture.preview = _preview(job, picture.x0, vae)
                store.put(name_seed(job, job.draws[index]), picture)
                progress.update(1)
    found = [store.get(name_seed(job, draw)) for draw in job.draws]
    return [picture for picture in found if picture is not None]


def finish(job: PickJob, early: Sequence[EarlyPicture], chosen: Sequence[int]) -> Latent:
    """The LATENT of the chosen pictures, in that order, as SamplerCustomAdvanced makes them in a whole run."""
    parts: list[Latent] = []
    for part in split_batches(list(chosen), job.batch):
        replay = Replay([early[index].tape for index in part])
        parts.append(_sample(job, part, replay))
        job.rows += replay.rows
        job.missed += replay.missed
    samples = torch.cat([part["samples"] for part in parts])
    kept = {name: value for name, value in parts[0].items() if name not in ("samples", "noise_mask", "batch_index")}
    return kept | {"samples": samples}


def _first_steps(job: PickJob, part: Sequence[int], limit: int) -> Iterator[EarlyPicture]:
    recording, seen = Recording(len(part), limit), dict[int, torch.Tensor]()

    def report(number: int, x0: torch.Tensor) -> None:
        seen[number] = x0.detach().float().cpu().clone()  # a sampler may write into its own

    with contextlib.suppress(EnoughError):
        _sample(job, part, recording, report)
    job.rows += recording.rows
    if not seen or len(recording.tapes[0].answers) != limit:
        raise ValueError(
            "guider: it asks the network past ComfyUI's own way, so its answers cannot be kept. Use CFGGuider or "
            "BasicGuider, and take nodes away that replace how both prompts are computed."
        )
    for tape, x0 in zip(recording.tapes, seen[max(seen)], strict=True):
        yield EarlyPicture(tape, x0)


def _count_calls(job: PickJob) -> int:
    """How often the first steps ask the network, by a run of one picture that asks nothing.

    dpm_fast, which takes the ends of the schedule alone, asks once for each of its steps and reports fewer.
    """
    counter, total = Counter(), len(job.sigmas) - 1
    with torch.random.fork_rng(devices=[]):
        _sample(job, [0], counter, lambda number, _: counter.report_step(number))
    if len(counter.at_step) == total:
        return counter.calls_before(job.steps)
    if counter.calls == total:
        return job.steps
    raise ValueError(
        f"sampler: it reported {len(counter.at_step)} of the schedule's {total} steps, so where step {job.steps} ends "
        "is not known. Use another, for example euler or dpmpp_2m."
    )


def _sample(
    job: PickJob, part: Sequence[int], tape: Tape, report: Callable[[int, torch.Tensor], None] = lambda *_: None
) -> Latent:
    """SamplerCustomAdvanced over the whole schedule for the pictures `part`, with `tape` before the network."""
    noise = SeededNoise([job.draws[index] for index in part], job.noise.rng)
    sampler = _Reporting(PerImageSampler(job.sampler, noise), report)
    guider = _with_tape(_guider_of(job.guider, part, len(job.draws)), tape)
    latent = _latent_of(job.latent, part, len(job.draws))
    return sample_custom(noise, guider, sampler, job.sigmas, latent)[0]


class _Reporting:
    """A SAMPLER that reports each step with its x0."""

    def __init__(self, sampler: Any, report: Callable[[int, torch.Tensor], None]) -> None:
        self._sampler, self._report = sampler, report

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sampler, name)

    def sample(
        self, model_wrap: Any, sigmas: torch.Tensor, extra_args: dict[str, Any], callback: Any, *rest: Any, **named: Any
    ) -> torch.Tensor:
        """As comfy.samplers.Sampler.sample."""

        def step(number: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            self._report(number, x0)
            if callback is not None:
                callback(number, x0, x, total)

        return self._sampler.sample(model_wrap, sigmas, extra_args, step, *rest, **named)


def _with_tape(guider: Any, tape: Tape) -> Any:
    """A copy of the guider whose network is asked through the tape (comfy.samplers.calc_cond_batch)."""

    def ask(executor: Any, model: Any, conds: Any, x: torch.Tensor, sigma: torch.Tensor, options: Any) -> Any:
        management.throw_exception_if_processing_interrupted()
        sides = [cond is not None for cond in conds]
        return tape.answer(x, sigma, sides, lambda: executor(model, conds, x, sigma, options))

    own = copy.copy(guider)
    own.model_options = comfy.model_patcher.create_model_options_clone(guider.model_options)
    kind = extension.WrappersMP.CALC_COND_BATCH
    extension.add_wrapper_with_key(kind, KEY, ask, own.model_options, is_model_options=True)
    return own


def _guider_of(guider: Any, part: Sequence[int], count: int) -> Any:
    """A copy of the guider with the rows of the pictures `part`, where its conditioning has one for each picture."""
    own = copy.copy(guider)
    own.original_conds = {
        name: [{key: _rows(key, value, part, count) for key, value in cond.items()} for cond in conds]
        for name, conds in guider.original_conds.items()
    }
    return own


def _rows(key: str, value: Any, part: Sequence[int], count: int) -> Any:
    batched = key in ("cross_attn", "pooled_output") and isinstance(value, torch.Tensor) and value.shape[0] == count > 1
    return value[list(part)] if batched else value


def _latent_of(latent: Latent, part: Sequence[int], count: int) -> Latent:
    own = {name: value for name, value in latent.items() if name != "batch_index"}
    for name in ("samples", "noise_mask"):
        value = own.get(name)
        if value is not None:
            rows = value[list(part)] if value.shape[0] == count else value
            own[name] = comfy.utils.repeat_to_batch_size(rows, len(part)) if name == "samples" else rows
    return own


def _check_latent(latent: Latent, count: int) -> None:
    samples = latent["samples"]
    if samples.is_nested:
        raise ValueError("latent_image: it has several parts (video and sound), which Early Pick does not know.")
    for name in ("samples", "noise_mask"):
        value = latent.get(name)
        if value is not None and value.shape[0] not in (1, count):
            raise ValueError(
                f"latent_image: it holds {value.shape[0]} pictures, and the noise has {count} seeds. Connect one "
                "picture, or one for each seed."
            )


def _check_guider(guider: Any, count: int) -> None:
    sources = guider.model_patcher.wrappers, guider.model_options.get("transformer_options", {}).get("wrappers", {})
    found = {key for wrappers in sources for each in wrappers.values() for key in each if key in _REMEMBERING}
    if found:
        raise ValueError(
            f"guider: its model has {', '.join(sorted(found))}, which remembers earlier steps, so stopped pictures "
            "would end otherwise. Take that node away."
        )
    for conds in guider.original_conds.values():
        for cond in conds:
            rows = cond["cross_attn"].shape[0] if isinstance(cond.get("cross_attn"), torch.Tensor) else 1
            if rows not in (1, count):
                raise ValueError(
                    f"guider: its conditioning has {rows} rows, and the noise has {count} seeds. Connect the same "
                    "Seeded Noise to both."
                )
            hint = getattr(cond.get("control"), "cond_hint_original", None)
            if isinstance(hint, torch.Tensor) and hint.shape[0] > 1:
                raise ValueError(
                    f"guider: its ControlNet has {hint.shape[0]} hints, which ComfyUI deals out to the pictures of a "
                    "batch. Connect one hint."
                )


def _preview(job: PickJob, x0: torch.Tensor, vae: Any) -> torch.Tensor:
    """uint8 [H, W, 3] of x0 [C, ...] in the model's scale, with a long side of at most PREVIEW pixels."""
    latent = job.guider.model_patcher.model.process_latent_out(x0[None])
    picture = vae.decode(latent)
    picture = picture.reshape(-1, *picture.shape[-3:])[:1, ..., :3].movedim(-1, 1).float().cpu()
    scale = PREVIEW / max(picture.shape[-2:])
    if scale < 1.0:
        height, width = (max(1, round(side * scale)) for side in picture.shape[-2:])
        picture = comfy.utils.common_upscale(picture, width, height, "area", "disabled")
    return (picture[0].movedim(0, -1).clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
