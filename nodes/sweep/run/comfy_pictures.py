"""Pictures of a sweep by ComfyUI's own means: what KSampler, CLIP Text Encode and VAE Decode do, one cell at a time."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import comfy.model_management as management
import comfy.sample
import comfy.samplers
import comfy.sd
import comfy.utils
import folder_paths
import latent_preview
import torch

from ....preprocessors.pictures import size_of_latent
from ...axis import Lora
from ...control.comfy_control import apply_stack
from ...control.families import check_family
from ...control.patches.comfy_apply import apply_patches
from ...control.stack import ControlStack, on_sigmas, steps_of
from ...prompts.choices import BY_STEPS
from ...prompts.comfy_conditioning import Conditioning, encode, timed_conditioning
from ...prompts.dial import swap_fully, turn
from ...prompts.timed_parse import parse_timed
from ...seeds.comfy_noise import PerImageSampler, name_of, step_noise
from ...taught_words import find_unknown
from ...text.printable import get_log
from ..plan.cells import Settings
from ..plan.inputs import SweepInputs, check_guidance, set_control_values
from ..plan.sources import LoaderChain
from .comfy_load import call_node, load_checkpoint, load_diffusion_model, load_text_encoder, load_vae

MAX_RECENT = 16  # encoded prompts
PLAIN = "euler"  # its schedule is the one of samplers that ComfyUI does not know
GPU_BATCHES = (16, 8, 4, 2)
# What newer ComfyUIs write into an empty latent, in their spelling: the scale it was made for.
RATIOS = ("downscale_ratio_spacial", "downscale_ratio_temporal")
FREE_SHARE = 0.7  # of the free memory that an automatic batch may take

log = get_log(__name__)


def fit_channels(model: Any, latent: dict[str, Any]) -> torch.Tensor:
    """The samples [1, C, H, W] of a latent as KSampler begins with them: empty ones get the model's channels and scale.

    Older ComfyUIs change the channels alone and take no ratios.
    """
    fix = comfy.sample.fix_empty_latent_channels
    taken = inspect.signature(fix).parameters
    return fix(model, latent["samples"], **{name: latent[name] for name in RATIOS if name in latent and name in taken})


def predict_size(inputs: SweepInputs) -> tuple[int, int]:
    """(height, width) in pixels of a picture of the sweep."""
    vae = inputs.vae
    scale = int(vae.spacial_compression_decode()) if vae is not None else 8  # an axis of checkpoints brings its own
    return size_of_latent({"samples": fit_channels(inputs.model, inputs.latent)}, scale)


def _check_steps(sigmas: torch.Tensor, inputs: SweepInputs, settings: Settings) -> None:
    """Raises ValueError where an empty latent would come out as it is: a brown square. A picture may."""
    if len(sigmas) < 2 and not bool(inputs.latent["samples"].any()):
        name = "sigmas: they make" if inputs.sigmas is not None else f"denoise: {settings.denoise:g} makes"
        raise ValueError(
            f"{name} no step, and the latent is empty, so there is no picture. Raise denoise, or connect a picture by "
            "VAE Encode."
        )


class PictureMaker:
    """Makes the pictures of cells. It keeps the model in use and the last encoded prompts, and nothing else."""

    passes = (management.InterruptProcessingException,)

    def __init__(
        self,
        inputs: SweepInputs,
        on_step: Callable[[float, Any], None],
        most_at_once: int = 0,
        model_name: str = "",
        sources: Mapping[str, LoaderChain] | None = None,
    ) -> None:
        """on_step: called after each step with the share of the steps done and a preview, or None. most_at_once: the
        widget batch_size; 0 as many as fit the memory, 1 on a CPU. model_name: the file of the connected model, for
        messages. sources: by input, what stays of the graph where a file of an axis replaces it."""
        self.inputs, self.on_step, self.most_at_once, self.model_name = inputs, on_step, most_at_once, model_name
        self.sources = sources or {}
        self._files = _LastFiles()
        self._lora_file: tuple[str, Any] = ("", None)
        self._loaded: tuple[Any, Any, Any] = (None, None, None)
        self._recent = _Recent()
        self.unknown: dict[str, None] = {}  # the words of the prompts that the model does not know

    def make(self, cells: Sequence[Settings]) -> list[torch.Tensor]:
        """A picture [H, W, C] in 0..1 for each of `cells`, which differ in the seed only.

        Raises:
            ValueError: an input does not fit, such as a LoRA of another model.
            InterruptProcessingException: the user pressed Cancel.
        """
        management.throw_exception_if_processing_interrupted()
        first = cells[0]
        model, clip, vae = self._models(first)
        sampler, sigmas = self._sampling(model, first)
        _check_steps(sigmas, self.inputs, first)
        positive, negative = self._conditionings(model, clip, sigmas, first)
        model = apply_patches(self._controls(first, sigmas), model, first.model_file or self.model_name)
        if vae is None:
            raise ValueError("vae: there is none. The checkpoint may lack one: connect a loader that has it.")
        samples = self._sample(model, sampler, sigmas, positive, negative, cells)
        images = vae.decode(samples)
        images = images.reshape(-1, *images.shape[-3:])
        if len(images) != len(cells):
            raise ValueError(f"latent: it decodes to {len(images) // len(cells)} frames. A cell is a single picture.")
        return list(images)

    def is_out_of_memory(self, error: Exception) -> bool:
        """Whether a batch was too large. Newer ComfyUIs know more errors of that kind than one class has."""
        if hasattr(management, "is_oom"):
            return management.is_oom(error)
        return isinstance(error, (management.OOM_EXCEPTION, torch.OutOfMemoryError))

    def free(self) -> None:
        """Give back the memory that ComfyUI keeps in reserve."""
        management.soft_empty_cache()

    def batch_size(self, settings: Settings) -> int:
        """How many pictures with these settings to make at once.

        1 where a batch could not give what each picture is alone, because its sampler draws noise for all at once.
        """
        if self.most_at_once == 1 or not self._batches_exactly(settings):
            return 1
        if self.most_at_once:
            return self.most_at_once
        model = self.inputs.model
        if management.is_device_cpu(model.load_device):
            return 1
        shape, free = fit_channels(model, self.inputs.latent).shape, _free_memory(model)
        fitting = (n for n in GPU_BATCHES if model.memory_required([2 * n, *shape[1:]]) < FREE_SHARE * free)
        return next(fitting, 1)

    def _batches_exactly(self, settings: Settings) -> bool:
        sampler = self.inputs.sampler or comfy.samplers.sampler_object(settings.sampler)
        try:
            step_noise(sampler)
        except ValueError:
            return False
        if hasattr(self.inputs.model.model, "noise_augmentor"):
            return False  # unCLIP and the x4 upscaler draw further noise from one seed for all
        masked = self.inputs.latent.get("noise_mask")
        lists = [masked, *(part for control in self.inputs.control or () for part in (control.hint, control.mask))]
        if any(part is not None and part.ndim > 2 and part.shape[0] > 1 for part in lists):
            return False  # ComfyUI would deal a list of masks or hints out to the pictures of a batch
        return not (masked is not None and sampler.inpaint_options.get("random", False))

    def _models(self, settings: Settings) -> tuple[Any, Any, Any]:
        encoding = (settings.checkpoint, settings.diffusion_model, settings.text_encoder, settings.clip_skip)
        key = (*encoding, settings.lora)
        if self._loaded[0] != key:
            self._recent = _Recent()
            self._loaded = (None, None, None)  # so that two checkpoints never lie in memory
            model, clip = self._base(settings)
            for lora in settings.lora if isinstance(settings.lora, tuple) else (settings.lora,):
                if lora is not None:
                    model, clip = self._with_lora(model, clip, lora)
            if settings.clip_skip is not None:
                (clip,) = call_node("CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-settings.clip_skip)
            self._loaded = (key, model, clip)
        return *self._loaded[1:], self._vae(settings)

    def _base(self, settings: Settings) -> tuple[Any, Any]:
        """MODEL and CLIP as the files give them, or as they are connected."""
        model, clip, _ = self._checkpoint(settings)
        if (name := settings.diffusion_model) is not None:
            model = self._files.get("model", name, lambda: load_diffusion_model(name, self.sources["model"]))
        if (encoder := settings.text_encoder) is not None:
            clip = self._files.get("clip", encoder, lambda: load_text_encoder(encoder, self.sources["clip"]))
        return model, clip

    def _vae(self, settings: Settings) -> Any:
        name = settings.vae
        if name is None:
            return self._checkpoint(settings)[2]
        return self._files.get("vae", name, lambda: load_vae(name, self.sources["vae"]))

    def _checkpoint(self, settings: Settings) -> tuple[Any, Any, Any]:
        name = settings.checkpoint
        if name is None:
            return self.inputs.model, self.inputs.clip, self.inputs.vae
        return self._files.get("checkpoint", name, lambda: load_checkpoint(name))

    def _with_lora(self, model: Any, clip: Any, lora: Lora) -> tuple[Any, Any]:
        """As ComfyUI's Load LoRA with one strength for both. Raises ValueError where nothing of the file fits."""
        if lora.strength == 0:
            return model, clip
        if self._lora_file[0] != lora.name:
            path = folder_paths.get_full_path_or_raise("loras", lora.name)
            self._lora_file = (lora.name, comfy.utils.load_torch_file(path, safe_load=True))
        patched = comfy.sd.load_lora_for_models(model, clip, self._lora_file[1], lora.strength, lora.strength)
        if _patches(*patched) == _patches(model, clip):
            raise ValueError(f"LoRA '{lora.name}': nothing of it fits the model. It is of another family of models.")
        return patched

    def _sampling(self, model: Any, settings: Settings) -> tuple[Any, torch.Tensor]:
        """SAMPLER and SIGMAS [steps + 1], each time new: some samplers write into their schedule.

        KSampler makes another schedule for some samplers. That of the connected one counts.
        """
        name = settings.sampler if self.inputs.sampler is None else name_of(self.inputs.sampler)
        stock = comfy.samplers.KSampler(
            model,
            steps=settings.steps,
            device=model.load_device,
            sampler=name or PLAIN,
            scheduler=settings.scheduler,
            denoise=settings.denoise,
            model_options=model.model_options,
        )
        sampler = self.inputs.sampler or comfy.samplers.sampler_object(settings.sampler)
        return sampler, stock.sigmas if self.inputs.sigmas is None else self.inputs.sigmas.clone()

    def _controls(self, settings: Settings, sigmas: torch.Tensor) -> ControlStack:
        return on_sigmas(set_control_values(self.inputs.control or (), settings), sigmas)

    def _encode(self, clip: Any, text: str) -> Conditioning:
        conditioning = encode(clip, text)
        self.unknown |= dict.fromkeys(find_unknown(clip, text))
        return conditioning

    def _conditionings(
        self, model: Any, clip: Any, sigmas: torch.Tensor, settings: Settings
    ) -> tuple[Conditioning, Conditioning]:
        """Positive and negative with the control stack, made once for neighbours that share them."""
        prompt = parse_timed(settings.positive, "positive")
        timed = any(not isinstance(part, str) for part in prompt)
        words = (settings.positive, *sigmas.tolist()) if timed else (settings.positive, settings.dial)

        def encoder(text: str) -> Conditioning:
            management.throw_exception_if_processing_interrupted()
            return self._recent.get(("text", text), lambda: self._encode(clip, text))

        def pair() -> tuple[Conditioning, Conditioning]:
            if timed and len(sigmas) < 2:
                raise ValueError("denoise: with 0 there is no step, so the timed prompt cannot switch. Raise it.")
            if timed:
                positive, _ = timed_conditioning(settings.positive, sigmas, model, BY_STEPS, encoder)
            else:
                positive = encoder("".join(str(part) for part in prompt))
            if settings.dial is not None:
                swapped = parse_timed(swap_fully(settings.positive, settings.dial), "positive")
                positive, _ = turn(positive, encoder("".join(map(str, swapped))), settings.dial.amount)
            if settings.guidance is not None:
                check_guidance(model)
                (positive,) = call_node("FluxGuidance", conditioning=positive, guidance=settings.guidance)
            both, stack = (positive, encoder(settings.negative)), self._controls(settings, sigmas)
            for control in stack:
                if control.strength != 0:
                    name = settings.model_file or self.model_name
                    check_family(control.net, both, control.name, name, socket="control")
            return apply_stack(stack, *both)

        stepped = any(steps_of(control) is not None for control in self.inputs.control or ())
        control = (settings.guidance, settings.control_strength, settings.control_start, settings.control_end)
        control += tuple(sigmas.tolist()) if stepped else ()
        return self._recent.get(("pair", *words, settings.negative, *control), pair)

    def _sample(
        self,
        model: Any,
        sampler: Any,
        sigmas: torch.Tensor,
        positive: Conditioning,
        negative: Conditioning,
        cells: Sequence[Settings],
    ) -> torch.Tensor:
        """The latents [B, C, h, w] of ComfyUI's common_ksampler, each from the noise that its seed gives KSampler."""
        latent = self.inputs.latent
        image = fit_channels(model, latent)
        noise: list[Any] = [comfy.sample.prepare_noise(image, cell.seed, latent.get("batch_index")) for cell in cells]
        if len(cells) > 1:
            sampler = PerImageSampler(sampler, [cell.seed for cell in cells])
        previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)

        def callback(step: int, x0: torch.Tensor, x: torch.Tensor, total: int) -> None:
            management.throw_exception_if_processing_interrupted()
            preview = previewer.decode_latent_to_preview_image("JPEG", x0) if previewer else None
            self.on_step((step + 1) / max(1, total), preview)

        return comfy.sample.sample_custom(
            model,
            torch.cat(noise),
            cells[0].cfg,
            sampler,
            sigmas,
            positive,
            negative,
            comfy.utils.repeat_to_batch_size(image, len(cells)),
            noise_mask=latent.get("noise_mask"),
            callback=callback,
            disable_pbar=not comfy.utils.PROGRESS_BAR_ENABLED,
            seed=cells[0].seed,
        )


class _LastFiles:
    """What was loaded last of each kind. It is let go before another takes its place."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Any, Any]] = {}

    def get(self, kind: str, name: Any, load: Callable[[], Any]) -> Any:
        if self.known.get(kind, (None, None))[0] != name:
            self.known.pop(kind, None)
            self.known[kind] = (name, load())
        return self.known[kind][1]


class _Recent:
    """The last few encoded prompts, by what they were made from."""

    def __init__(self) -> None:
        self.known: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def get(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        if key not in self.known:
            self.known[key] = make()
        self.known.move_to_end(key)
        if len(self.known) > MAX_RECENT:
            self.known.popitem(last=False)
        return self.known[key]


def _free_memory(model: Any) -> float:
    """In bytes, on the device of a MODEL, with what ComfyUI evicts on demand where it can (dynamic VRAM)."""
    ask: Any = model.get_free_memory if hasattr(model, "get_free_memory") else management.get_free_memory
    return float(ask(model.load_device))  # a number unless asked for two


def _patches(model: Any, clip: Any) -> int:
    """How many patches of weights MODEL and CLIP have."""
    patchers = [model, *([] if clip is None else [clip.patcher])]
    return sum(len(patches) for patcher in patchers for patches in patcher.patches.values())
