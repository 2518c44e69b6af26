"""Kits of today's models: Z-Image Turbo, Qwen-Image and SDXL, for the twins `NN-...-zimage.json`, `-qwen` and `-sdxl`.

Files, folders and settings are those of ComfyUI's own templates: image_z_image_turbo, image_qwen_image,
image_qwen_image_edit_2509, image_qwen_image_instantx_controlnet and sdxl_simple_example (without its refiner).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .builder import WIDTH, Node
from .kits import CONTROL_LOADER, GUIDE_REPORT, DemoKit, Guided, Kit, Models, StableDiffusionKit
from .layout import Column, lay_out
from .parts import part

if TYPE_CHECKING:
    from .builder import GraphBuilder, Output
    from .kits import Pair
    from .subgraph import SubgraphBuilder

_FACE = "https://huggingface.co"
_ZIMAGE = f"{_FACE}/Comfy-Org/z_image_turbo/resolve/main/split_files"
_QWEN = f"{_FACE}/Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files"
_QWEN_EDIT = f"{_FACE}/Comfy-Org/Qwen-Image-Edit_ComfyUI/resolve/main/split_files"
_LECTURE = ("04", "05", "06", "07", "08", "09", "10")


class File(NamedTuple):
    """A model file: its name, where it is published, and the folder of ComfyUI that it belongs in."""

    name: str
    source: str
    folder: str

    def of(self, node: Node) -> Node:
        """`node`, marked to need this file."""
        return node.with_model(self.name, f"{self.source}/{self.name}", self.folder)


class TodayKit(Kit):
    """A kit of several files, one loader each, in a part of the slide."""

    slides = _LECTURE
    unet: File
    encoder: File
    encoder_type: str
    autoencoder: File
    shift: float
    net: File
    latent = "EmptySD3LatentImage"

    def _model(self, graph: GraphBuilder) -> Node:
        inside = part(graph, self, "Model", f"The files of {self.mark}, and its shift.")
        unet = self.unet.of(inside.node("UNETLoader", unet_name=self.unet.name, weight_dtype="default"))
        clip = self.encoder.of(inside.node("CLIPLoader", clip_name=self.encoder.name, type=self.encoder_type))
        vae = self.autoencoder.of(inside.node("VAELoader", vae_name=self.autoencoder.name))
        patched = self._patch(inside, unet[0])
        for name, output in {"model": patched[0], "clip": clip[0], "vae": vae[0]}.items():
            inside.exit(name, output)
        lay_out(inside, Column(WIDTH, [unet, clip, vae]), Column(WIDTH, list(map(Node, inside.nodes[3:]))))
        return graph.subgraph(inside, {}, called="Model")

    def _patch(self, inside: SubgraphBuilder, model: Output) -> Node:
        """What the template puts behind the loader: the shift of the schedule."""
        return inside.node("ModelSamplingAuraFlow", model=model, shift=self.shift)

    def models(self, graph: GraphBuilder) -> Models:
        node = self._model(graph)
        return Models(node, node[0], node[1], node[2])

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        return self.net.of(graph.node("ControlNetLoader", called="ControlNet", control_net_name=self.net.name))


class ZImageKit(TodayKit):
    """Z-Image Turbo, with the Fun union control, which is a model patch."""

    suffix, mark, size, steps, cfg, control_cfg = "-zimage", "Z-Image Turbo", 1024, 9, 1.0, 1.0
    sampler = "res_multistep"
    scheduler, shift = "simple", 3.0
    control_loader = CONTROL_LOADER + 24
    unet = File("z_image_turbo_bf16.safetensors", f"{_ZIMAGE}/diffusion_models", "diffusion_models")
    encoder, encoder_type = File("qwen_3_4b.safetensors", f"{_ZIMAGE}/text_encoders", "text_encoders"), "lumina2"
    autoencoder = File("ae.safetensors", f"{_ZIMAGE}/vae", "vae")
    net = File(
        "Z-Image-Turbo-Fun-Controlnet-Union.safetensors",
        f"{_FACE}/alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union/resolve/main",
        "model_patches",
    )
    about = "\nOn **Z-Image Turbo**: 9 steps, cfg 1, so no negative prompt.\n"
    about_control = "\nIts control is a **model patch**. It needs a ComfyUI newer than 0.3.75.\n"

    def words(self, text: str) -> str:
        return text.replace("**ControlNet Guide**", "**Model Patch Guide**")

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        return self.net.of(graph.node("ModelPatchLoader", called="ControlNet", name=self.net.name))

    def guide(
        self, graph: GraphBuilder, models: Models, net: Node, pair: Pair, hint: Output, kind: str, latent: Output
    ) -> Guided:
        node = graph.node(
            "SteerModelPatchGuide",
            more=GUIDE_REPORT,
            called="Model Patch Guide",
            model=models.model,
            model_patch=net[0],
            vae=models.vae,
            image=hint,
            latent=latent,
            kind=kind,
        )
        return Guided(node, pair, node[0])


class QwenKit(TodayKit):
    """Qwen-Image with InstantX's union ControlNet, and Qwen-Image-Edit where a picture is edited."""

    suffix, mark, size, steps, cfg, control_cfg = "-qwen", "Qwen-Image", 1328, 20, 2.5, 2.5
    sampler = "euler"
    scheduler, shift = "simple", 3.1
    unet = File("qwen_image_fp8_e4m3fn.safetensors", f"{_QWEN}/diffusion_models", "diffusion_models")
    encoder = File("qwen_2.5_vl_7b_fp8_scaled.safetensors", f"{_QWEN}/text_encoders", "text_encoders")
    encoder_type = "qwen_image"
    autoencoder = File("qwen_image_vae.safetensors", f"{_QWEN}/vae", "vae")
    net = File(
        "Qwen-Image-InstantX-ControlNet-Union.safetensors",
        f"{_FACE}/Comfy-Org/Qwen-Image-InstantX-ControlNets/resolve/main/split_files/controlnet",
        "controlnet",
    )
    about = "\nOn **Qwen-Image**: 20 steps, cfg 2.5, shift 3.1.\n"
    about_control = "\nIts ControlNet knows edges, depth and poses. Lines count as edges.\n"

    def _guide_values(self, models: Models, kind: str) -> dict[str, Any]:
        return {"kind": kind, "vae": models.vae}


class QwenEditKit(QwenKit):
    """Qwen-Image-Edit, as in the template image_qwen_image_edit_2509."""

    mark, size, shift = "Qwen-Image-Edit", 1024, 3.0
    unet = File("qwen_image_edit_2509_fp8_e4m3fn.safetensors", f"{_QWEN_EDIT}/diffusion_models", "diffusion_models")
    about = "\nOn **Qwen-Image-Edit**: 20 steps, cfg 2.5, shift 3.\n"

    def _patch(self, inside: SubgraphBuilder, model: Output) -> Node:
        return inside.node("CFGNorm", model=super()._patch(inside, model)[0], strength=1.0)


class StableDiffusionXLKit(Kit):
    """SDXL base with one union ControlNet."""

    suffix, mark, size, steps, cfg, control_cfg = "-sdxl", "SDXL", 1024, 25, 8.0, 8.0
    sampler = "euler"
    scheduler, slides = "normal", _LECTURE
    base = File(
        "sd_xl_base_1.0.safetensors", f"{_FACE}/stabilityai/stable-diffusion-xl-base-1.0/resolve/main", "checkpoints"
    )
    net = File(
        "diffusion_pytorch_model_promax.safetensors",
        f"{_FACE}/xinsir/controlnet-union-sdxl-1.0/resolve/main",
        "controlnet",
    )
    about = "\nOn **SDXL**: choose your checkpoint in **Model**.\n"

    def _model(self, graph: GraphBuilder) -> Node:
        return self.base.of(graph.node("CheckpointLoaderSimple", called="Model", ckpt_name=self.base.name))

    def _control_net(self, graph: GraphBuilder, kind: str) -> Node:
        return self.net.of(graph.node("ControlNetLoader", called="ControlNet", control_net_name=self.net.name))

    def _guide_values(self, models: Models, kind: str) -> dict[str, Any]:
        return {"kind": kind}


TODAY: tuple[Kit, ...] = (QwenKit(), StableDiffusionXLKit(), ZImageKit())
KITS: tuple[Kit, ...] = (DemoKit(), StableDiffusionKit(), *TODAY)
