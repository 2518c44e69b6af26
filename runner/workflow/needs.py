"""What a workflow names: its nodes and their packs, its models, its input files; where these lie on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...files import is_inside
from .frontend.kinds import inputs_of, options_of
from .media import INPUT, OUTPUT, find_asset, is_asset, is_media
from .prompt import Prompt, WorkflowError, is_prompt
from .reading import Document
from .ui_graph import server_nodes

MODEL_FILES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl", ".gguf", ".onnx")
UPLOADS = ("image_upload", "audio_upload", "video_upload", "file_upload")
# The folder under models/ from which ComfyUI's own loaders offer files.
FOLDERS = {
    "AudioEncoderLoader": "audio_encoders",
    "CLIPLoader": "text_encoders",
    "CLIPVisionLoader": "clip_vision",
    "CheckpointLoader": "checkpoints",
    "CheckpointLoaderSimple": "checkpoints",
    "ControlNetLoader": "controlnet",
    "DiffControlNetLoader": "controlnet",
    "DualCLIPLoader": "text_encoders",
    "GLIGENLoader": "gligen",
    "HypernetworkLoader": "hypernetworks",
    "ImageOnlyCheckpointLoader": "checkpoints",
    "LatentUpscaleModelLoader": "latent_upscale_models",
    "LoraLoader": "loras",
    "LoraLoaderModelOnly": "loras",
    "ModelPatchLoader": "model_patches",
    "PhotoMakerLoader": "photomaker",
    "QuadrupleCLIPLoader": "text_encoders",
    "StyleModelLoader": "style_models",
    "TripleCLIPLoader": "text_encoders",
    "UNETLoader": "diffusion_models",
    "UpscaleModelLoader": "upscale_models",
    "VAELoader": "vae",
    "unCLIPCheckpointLoader": "checkpoints",
}
FROM_OUTPUTS = "LoadImageOutput"
_OLD_FOLDERS = {"diffusion_models": "unet", "text_encoders": "clip"}  # in which ComfyUI looks, too


@dataclass(frozen=True)
class NodeNeed:
    """A kind of node, and the registry name and version of its pack where the workflow says them."""

    kind: str
    pack: str = ""
    version: str = ""


@dataclass(frozen=True)
class ModelNeed:
    """A model file that a widget names. Folder (under models/), url and sha256 are empty where not known."""

    name: str
    directory: str = ""
    url: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class FileNeed:
    """A file of ComfyUI's input folder that an input of a node names, with forward slashes."""

    node_id: str
    input: str
    name: str


def node_needs(data: Document, idle: bool = True) -> list[NodeNeed]:
    """Each kind of node once, sorted. A workflow in API format names no packs.

    idle, here and below: also of nodes that are muted or bypassed.
    """
    if is_prompt(data):
        return [NodeNeed(kind) for kind in sorted({node["class_type"] for node in data.values()})]
    found: dict[str, NodeNeed] = {}
    for node in server_nodes(data, idle):
        properties = node.get("properties") or {}
        pack = str(properties.get("cnr_id") or properties.get("aux_id") or "")
        need = NodeNeed(str(node.get("type")), pack, str(properties.get("ver") or ""))
        if need.kind not in found or (pack and not found[need.kind].pack):
            found[need.kind] = need
    return [found[kind] for kind in sorted(found)]


def model_needs(data: Document, idle: bool = True) -> list[ModelNeed]:
    """Each model file once, sorted: those that `properties.models` lists, and widget values that end like a model.

    Its folder is that which the workflow names, or that of ComfyUI's own loader.
    """
    found: dict[str, ModelNeed] = {}
    if is_prompt(data):
        values = [(node["class_type"], value) for node in data.values() for value in node["inputs"].values()]
    else:
        values = []
        for node in server_nodes(data, idle):
            widgets = _widget_values(node)
            values += [(node["type"], value) for value in widgets]
            listed = (node.get("properties") or {}).get("models")
            for model in listed if isinstance(listed, list) else ():
                # The frontend, too, counts only an entry that a widget of its node still names.
                if isinstance(model, dict) and model.get("name") in widgets and isinstance(model["name"], str):
                    name, directory, url = (str(model.get(key) or "") for key in ("name", "directory", "url"))
                    found[name] = ModelNeed(name, directory, url, _named_sha256(model))
    for kind, value in values:
        if isinstance(value, str) and value.lower().endswith(MODEL_FILES) and "\n" not in value:
            found.setdefault(value, ModelNeed(value, FOLDERS.get(kind, "")))
    return [found[name] for name in sorted(found)]


def _named_sha256(model: dict[str, Any]) -> str:
    """The SHA-256 that a workflow names for a model; empty for a hash of another kind, of which some are as long."""
    sha256, kind = str(model.get("hash") or "").lower(), str(model.get("hash_type") or "sha256").lower()
    return sha256 if len(sha256) == 64 and kind == "sha256" else ""


def _widget_values(node: dict[str, Any]) -> list[Any]:
    values = node.get("widgets_values") or []
    return list(values.values()) if isinstance(values, dict) else list(values)


def prompt_files(prompt: Prompt, object_info: dict[str, Any]) -> list[FileNeed]:
    """The input files a prompt names, by the inputs that its nodes declare as uploads."""
    found = []
    for node_id, node in prompt.items():
        for name, spec in inputs_of(object_info.get(node["class_type"], {})):
            value = node["inputs"].get(name)
            is_upload = any(options_of(spec).get(key) for key in UPLOADS)
            if is_upload and isinstance(value, str):
                folder, file = split_folder(value)
                if folder == INPUT and file:
                    found.append(FileNeed(node_id, name, file))
    return found


def named_files(data: Document, idle: bool = True, folder: str = INPUT) -> list[str]:
    """The files of a folder that a workflow seems to name, without a server to ask.

    They are the values of Load nodes that end like media. folder: INPUT or OUTPUT, which Load Image (from Outputs)
    reads.
    """
    if is_prompt(data):
        nodes = [(node["class_type"], list(node["inputs"].values())) for node in data.values()]
    else:
        nodes = [(str(node.get("type")), _widget_values(node)) for node in server_nodes(data, idle)]
    found = set()
    for kind, values in nodes:
        if "load" in kind.lower():
            default = OUTPUT if kind == FROM_OUTPUTS else INPUT
            named = (split_folder(value, default) for value in values if isinstance(value, str))
            found |= {name for where, name in named if where == folder and is_media(name)}
    return sorted(found)


def split_folder(value: str, default: str = INPUT) -> tuple[str, str]:
    """ComfyUI's folder and the name in it, with forward slashes, of a file such as `x.png [output]`."""
    name = value.replace("\\", "/")
    if name.endswith("]"):
        name, _, place = name.rpartition(" [")
        return place[:-1], name.strip()
    return default, name.strip()


def folders_beside(file: Path) -> list[Path]:
    """Where the input files of a workflow file may lie besides ComfyUI's input folder."""
    return [file.parent / "input", file.parent]


def local_file(name: str, folders: list[Path]) -> Path | None:
    """The path of the input file `name` in the first of `folders` that holds it; None where none does.

    Raises:
        WorkflowError: the name leads out of them. A stranger's workflow must not fetch any file of the disk.
    """
    if not is_inside(name):
        raise WorkflowError(
            f"The workflow names the input file '{name}', which lies outside the input folder. Refused."
        )
    if is_asset(name):
        return find_asset(name, folders)
    for folder in folders:
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    return None


def model_file(need: ModelNeed, models: Path) -> Path | None:
    """The file of a model under ComfyUI's `models` folder: in the folder that the workflow says, else in any.

    Where the letters differ in case it is the one file that is meant, as for `queue`.
    """
    name = need.name.replace("\\", "/")
    if not is_inside(name) or (need.directory and not is_inside(need.directory)):
        return None
    if need.directory:
        first, slash, rest = need.directory.partition("/")
        older = [f"{_OLD_FOLDERS[first]}{slash}{rest}"] if first in _OLD_FOLDERS else []
        folders = [models / place for place in (need.directory, *older)]
    else:
        folders = sorted(p for p in models.glob("*") if p.is_dir())
    exact = (folder / name for folder in folders if (folder / name).is_file())
    return next(exact, None) or next(filter(None, (_file_in_any_case(folder, name) for folder in folders)), None)


def _file_in_any_case(folder: Path, name: str) -> Path | None:
    """The one file in `folder` whose path is `name` but for upper and lower case; None where none or several are."""
    found = [folder]
    for part in name.split("/"):
        found = [
            entry
            for place in found
            if place.is_dir()
            for entry in sorted(place.iterdir())
            if entry.name.casefold() == part.casefold()
        ]
    files = [path for path in found if path.is_file()]
    return files[0] if len(files) == 1 else None
