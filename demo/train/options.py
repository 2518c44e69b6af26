"""The options of the trainings, one function for each part. Standard library only: `run.py train PART --help` is quick.

Checkpoints and sample sheets lie in `.train/` of the checkout, where a new ComfyUI does not disturb them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..networks import CONTROL_KINDS

ROOT = Path(__file__).resolve().parents[2]
NEW_FOLDER, OLD_FOLDER = ROOT / ".train", ROOT / ".comfyui" / "train"
TOKENIZER = ROOT / ".comfyui" / "comfy" / "sd1_tokenizer"
SCHEDULES = ("cosine", "steady", "cooldown")
OPTIMIZERS = ("adamw", "muon")


def training_folder() -> Path:
    """Where checkpoints and scenes lie: `.train`, or the folder of an older checkout as long as `.train` is empty."""
    new_is_empty = not (NEW_FOLDER.is_dir() and any(NEW_FOLDER.iterdir()))
    return OLD_FOLDER if new_is_empty and OLD_FOLDER.is_dir() else NEW_FOLDER


def add_vae_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the autoencoder's training."""
    _add_shared_options(parser, "vae", minutes=35, batch=12, rate=1.5e-3)
    parser.add_argument(
        "--decoder-only", action="store_true", help="train the decoder alone; a UNet taught on the latents stays valid"
    )
    _add_lines_option(parser)
    parser.add_argument(
        "--sampled", type=float, default=0.0, help="share of steps on latents that the shipped UNet makes"
    )
    parser.add_argument(
        "--kept", type=float, default=0.0, help="share of the weights it starts from in the mean that is exported"
    )


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the training of the UNet and the text encoder."""
    _add_diffusion_options(parser, "model", minutes=120, rate=8e-4)
    parser.add_argument("--reader", type=float, default=4.0, help="minutes to teach the reader of attributes first")
    parser.add_argument(
        "--compile",
        action="store_true",
        help="compile the UNet: a quarter faster after four minutes; needs a C++ compiler",
    )


def add_controlnet_options(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add the options of the training of the ControlNet for hints of `kind`."""
    _add_diffusion_options(parser, f"controlnet-{kind}", minutes=40, rate=3e-4)
    parser.add_argument(
        "--model",
        type=Path,
        default=training_folder() / "model" / "model.safetensors",
        help="checkpoint of the model; the shipped one where there is none",
    )
    _add_lines_option(parser)


def add_judges_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the training of the report's judges."""
    _add_shared_options(parser, "judges", minutes=30, batch=32, rate=2e-3)
    _add_chunks_option(parser, 8)
    _add_vae_option(parser)


PARTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "vae": add_vae_options,
    "model": add_model_options,
    **{f"controlnet-{kind}": partial(add_controlnet_options, kind=kind) for kind in CONTROL_KINDS},
    "judges": add_judges_options,
}


def parse(part: str, argv: Sequence[str]) -> argparse.Namespace:
    """The options of `part` (a key of PARTS). Exits with 2 for an option that the part does not have."""
    parser = argparse.ArgumentParser(prog=f"run.py train {part}", allow_abbrev=False)
    PARTS[part](parser)
    options = parser.parse_args(argv)
    if fault := find_fault(options):
        parser.error(fault)
    return options


def find_fault(options: argparse.Namespace) -> str:
    """What does not fit together in the options of a part; empty if all does."""
    if getattr(options, "sampled", 0.0) and not (options.decoder_only and (options.shipped or options.resume)):
        return "--sampled needs --decoder-only with --shipped: the UNet's latents must be this encoder's"
    return ""


def _add_shared_options(parser: argparse.ArgumentParser, part: str, *, minutes: float, batch: int, rate: float) -> None:
    """The options of every part, with this part's defaults."""
    parser.add_argument(
        "--minutes", type=float, default=minutes, help="time budget; the learning rate anneals within it"
    )
    parser.add_argument("--checkpoint", type=float, default=5.0, help="minutes between checkpoints and sample sheets")
    parser.add_argument("--threads", type=int, default=2, help="processor threads")
    parser.add_argument("--batch", type=int, default=batch, help="scenes of a step")
    parser.add_argument("--rate", type=float, default=rate, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0, help="seed of the batches and the noise")
    parser.add_argument(
        "--out", type=Path, default=training_folder() / part, help="folder of checkpoints and sample sheets"
    )
    parser.add_argument("--scenes", type=Path, help="folder of rendered scenes (default: 'scenes' beside --out)")
    parser.add_argument(
        "--resume", type=Path, help="checkpoint to go on from; a finished run starts a new cycle of --minutes"
    )
    parser.add_argument("--shipped", action="store_true", help="start from the weights in demo/weights")
    parser.add_argument(
        "--schedule",
        choices=SCHEDULES,
        default="cosine",
        help="learning rate: cosine anneals within --minutes; steady stays and can be resumed without end, "
        "cooldown then takes it to zero within --minutes",
    )
    parser.add_argument("--optimizer", choices=OPTIMIZERS, default="adamw", help="muon updates the inner matrices")
    parser.add_argument("--export", action="store_true", help="write the result to demo/weights at the end")


def _add_diffusion_options(parser: argparse.ArgumentParser, part: str, *, minutes: float, rate: float) -> None:
    """The options of the parts that learn on encoded scenes."""
    _add_shared_options(parser, part, minutes=minutes, batch=32, rate=rate)
    _add_vae_option(parser)
    _add_chunks_option(parser, 20)
    parser.add_argument("--tokenizer", type=Path, default=TOKENIZER, help="folder of CLIP's tokenizer")


def _add_vae_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vae",
        type=Path,
        default=training_folder() / "vae" / "vae.safetensors",
        help="checkpoint of the autoencoder; the shipped one where there is none",
    )


def _add_chunks_option(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument("--chunks", type=int, default=default, help="thousands of scenes to train on")


def _add_lines_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lines", type=float, default=0.0, help="weight of the lines that M-LSD sees (0: none)")
