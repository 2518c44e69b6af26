"""What each slide promises, measured on the pictures that it made, for the gallery.

The pictures and texts inside a workflow are asked for in a second prompt: the same one and a preview of each. ComfyUI
has the rest of it in its cache. The judges are those of the embedded model's report (demo/judges).
"""

from __future__ import annotations

import copy
import io
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...nodes.seeds.text import parse_seeds
from ..comfyui.client import ComfyClient
from ..comfyui.messages import Picture
from ..pack import ROOT
from ..workflow.prompt import Prompt, find_nodes

FIFTH = 4  # which of slide 3's pictures is made alone, too
SAME = 2  # of 255: the same picture, made beside others or alone
ALIKE = 24.0  # dB
Link = list[Any]


@dataclass(frozen=True)
class Measurement:
    """A promise with its figures, and whether it is kept."""

    text: str
    kept: bool


class Probe:
    """The prompt of a slide, to which previews and further nodes can be added."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = copy.deepcopy(prompt)
        self._asked: dict[str, str] = {}
        self._pictures: dict[str, list[Picture]] = {}
        self._texts: dict[str, list[str]] = {}
        self._client: ComfyClient | None = None

    def node(self, title: str) -> str:
        """The id of the first node with that title or of that kind."""
        return find_nodes(self.prompt, title)[0]

    def link(self, title: str, socket: str) -> Link:
        """Where an input of a node comes from."""
        return list(self.prompt[self.node(title)]["inputs"][socket])

    def inputs(self, title: str) -> dict[str, Any]:
        return dict(self.prompt[self.node(title)]["inputs"])

    def add(self, kind: str, **inputs: Any) -> str:
        number = next(name for i in itertools.count() if (name := f"measure-{i}") not in self.prompt)
        self.prompt[number] = {"class_type": kind, "inputs": inputs}
        return number

    def ask(self, name: str, link: Link, text: bool = False) -> None:
        """Ask for the pictures of an output, or for its texts."""
        self._asked[name] = self.add("PreviewAny", source=link) if text else self.add("PreviewImage", images=link)

    def run(self, client: ComfyClient) -> None:
        outcome = client.run(self.prompt)
        self._client = client
        for name, number in self._asked.items():
            self._pictures[name] = [picture for picture in outcome.pictures if picture.node_id == number]
            self._texts[name] = outcome.texts.get(number, [])

    def pictures(self, name: str) -> list[Any]:
        """uint8 [H, W, 3] each."""
        import numpy as np
        from PIL import Image

        assert self._client is not None
        contents = [self._client.fetch(picture) for picture in self._pictures[name]]
        return [np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) for content in contents]

    def texts(self, name: str) -> list[str]:
        return self._texts[name]


def measure(client: ComfyClient, name: str, prompt: Prompt) -> list[Measurement]:
    """What the slide called `name` promises, right after it ran; nothing for other workflows. Raises QueueError."""
    if name not in SLIDES:
        return []
    ask, judge = SLIDES[name]
    probe = Probe(prompt)
    ask(probe)
    probe.run(client)
    return judge(probe)


def _tensor(pictures: Sequence[Any]) -> Any:
    import numpy as np
    import torch

    return torch.from_numpy(np.stack(pictures)).movedim(-1, 1).float() / 255


def _verdict(pictures: Sequence[Any]) -> Any:
    from ...demo.judges import network

    return network.judge(network.load()[0], _tensor(pictures))


def _furthest(one: Any, other: Any) -> int:
    return int(abs(one.astype(int) - other.astype(int)).max())


def _measure_followed(name: str, wanted: Sequence[str], pictures: Sequence[Any], least: int) -> Measurement:
    """How many pictures show the wanted value of an attribute."""
    found = _verdict(pictures).values[name]
    right = sum(seen == word for seen, word in zip(found, wanted, strict=True))
    wrong = [f"{word} looks {seen}" for seen, word in zip(found, wanted, strict=True) if seen != word]
    title = {"expression": "mood", "background": "place", "style": "style"}[name]
    text = f"the {title} is the one asked for in {right} of {len(wanted)} pictures, says a judge network"
    return Measurement(f"{text} ({'; '.join(wrong)})" if wrong else text, right >= least)


def _words(labels: Sequence[str], known: str) -> list[str]:
    """The value of an attribute that each label names."""
    from ...demo.judges.network import HEADS

    values = HEADS[known]
    return [next(str(value) for value in values if str(value) in label) for label in labels]


def _ask_cells(sweep: str) -> Callable[[Probe], None]:
    def ask(probe: Probe) -> None:
        cells = probe.add("SteerLoadCells", folder=[probe.node(sweep), 1], selection="", limit=64)
        probe.ask("cells", [cells, 0])
        probe.ask("labels", [cells, 1], text=True)

    return ask


def _ask_latent(probe: Probe) -> None:
    probe.ask("picture", [probe.node("ImageScale"), 0])
    probe.ask("decoded", [probe.node("Decoder"), 0])


def _latent(probe: Probe) -> list[Measurement]:
    picture, decoded = (_tensor(probe.pictures(name))[0] for name in ("picture", "decoded"))
    from ...demo.judges.measures import psnr

    found = psnr(decoded, picture)
    return [Measurement(f"the latent, one number for 48, decodes to the picture again: {found:.1f} dB", found >= ALIKE)]


def _ask_reverse(probe: Probe) -> None:
    inputs = probe.inputs("SteerReverseDiffusion")
    names = ("noise", "guider", "sampler", "sigmas", "latent_image")
    stock = probe.add("SamplerCustomAdvanced", **{name: inputs[name] for name in names})
    vae = [probe.node("Model"), 2]
    for name, number in (("ours", probe.node("SteerReverseDiffusion")), ("stock", stock)):
        probe.ask(name, [probe.add("VAEDecode", samples=[number, 0], vae=vae), 0])


def _reverse(probe: Probe) -> list[Measurement]:
    off = _furthest(probe.pictures("ours")[0], probe.pictures("stock")[0])
    return [Measurement(f"the picture that comes out of the noise is the stock sampler's: {off}/255 off", off == 0)]


def _alone(probe: Probe) -> tuple[int, int]:
    """(place in the batch, seed) of the picture that is made alone: the fifth, or the last of fewer."""
    seeds = parse_seeds(probe.inputs("SteerSeeds")["text"])
    place = min(FIFTH, len(seeds) - 1)
    return place, seeds[place]


def _ask_seeds(probe: Probe) -> None:
    sampler = probe.node("SamplerCustomAdvanced")
    decode = next(
        each for each in find_nodes(probe.prompt, "VAEDecode") if probe.prompt[each]["inputs"]["samples"][0] == sampler
    )
    probe.ask("batch", [decode, 0])
    latent = probe.add("EmptyLatentImage", width=256, height=256, batch_size=1)
    noise = probe.add("RandomNoise", noise_seed=_alone(probe)[1])
    alone = probe.add(
        "SamplerCustomAdvanced", **probe.prompt[sampler]["inputs"] | {"noise": [noise, 0], "latent_image": [latent, 0]}
    )
    vae = probe.prompt[decode]["inputs"]["vae"]
    probe.ask("alone", [probe.add("VAEDecode", samples=[alone, 0], vae=vae), 0])


def _seeds(probe: Probe) -> list[Measurement]:
    batch, (alone,) = probe.pictures("batch"), probe.pictures("alone")
    place, seed = _alone(probe)
    off = _furthest(batch[place], alone)
    text = f"the picture of seed {seed} is the one that this seed makes alone: at most {off}/255 off"
    return [Measurement(text, off <= SAME)]


def _moods(probe: Probe) -> list[Measurement]:
    pictures = probe.pictures("cells")
    wanted = _words(probe.texts("labels"), "expression")
    from ...demo.judges import measures

    box = measures.face_box(_verdict(pictures[:1]).joints[0].numpy())
    first, *others = _tensor(pictures)
    changes = [measures.change(first, other, box) for other in others]
    inside, outside = (sum(values) / len(values) for values in zip(*changes, strict=True))
    text = f"the word changes the face {inside / max(outside, 1e-6):.1f} times as much as the rest"
    return [_measure_followed("expression", wanted, pictures, len(wanted)), Measurement(text, inside > outside)]


def _combinations(probe: Probe) -> list[Measurement]:
    pictures, labels = probe.pictures("cells"), probe.texts("labels")
    moods, places = _words(labels, "expression"), _words(labels, "background")
    most = len(pictures) - len(pictures) // 10
    return [
        _measure_followed("expression", moods, pictures, most),
        _measure_followed("background", places, pictures, most),
    ]


def _four_moods(probe: Probe) -> list[Measurement]:
    wanted = _words(probe.texts("labels"), "expression")
    return [_measure_followed("expression", wanted, probe.pictures("cells"), len(wanted))]


def _ask_inpainted(probe: Probe) -> None:
    probe.ask("laid", [probe.node("Lay over"), 0])
    probe.ask("labels", probe.link("SteerDifference", "labels"), text=True)
    probe.ask("outside", [probe.node("SteerDifference"), 3], text=True)


def _measure_inpainted(probe: Probe) -> list[Measurement]:
    pictures = probe.pictures("laid")
    wanted = _words(probe.texts("labels"), "expression")
    most = max(float(text) for text in probe.texts("outside"))
    return [
        _measure_followed("expression", wanted, pictures, len(wanted)),
        Measurement(f"outside the mask the pictures differ by {most:g}", most == 0),
    ]


def _ask_rows(probe: Probe) -> None:
    probe.ask("without", [probe.node("Row, without"), 0])
    probe.ask("with", [probe.node("Row, with control"), 0])
    probe.ask("hint", [probe.node("SteerControlNetGuide"), 3])


def _rows(
    scored: Callable[[Probe, Sequence[Any]], list[float]],
    text: str,
    better: Callable[[float, float], bool],
    scale: float = 1.0,
) -> Callable[[Probe], list[Measurement]]:
    """Means of the scores of both rows."""

    def judge(probe: Probe) -> list[Measurement]:
        rows = [probe.pictures(name) for name in ("with", "without")]
        scores = scored(probe, [picture for row in rows for picture in row])
        held, free = scores[: len(rows[0])], scores[len(rows[0]) :]
        means = sum(held) / len(held), sum(free) / len(free)
        return [Measurement(text.format(*(scale * mean for mean in means)), better(*means))]

    return judge


def _edges(probe: Probe, pictures: Sequence[Any]) -> list[float]:
    from ...demo.judges import measures

    wanted = probe.pictures("hint")[0][..., 0] > 127
    return [measures.edge_f1(measures.edges(picture), wanted) for picture in pictures]


def _lines(probe: Probe, pictures: Sequence[Any]) -> list[float]:
    """Of the room whose lines are the hint."""
    import numpy as np
    from PIL import Image

    from ...demo.judges import measures
    from ...preprocessors.lines import mlsd

    room = np.asarray(Image.open(ROOT / "demo" / "pictures" / "empty-room.png").convert("RGB"))
    lines = mlsd.mlsd_lines(mlsd.load_mlsd(), room)
    return [measures.lines_followed(lines.at(*picture.shape[:2]).segments, picture) for picture in pictures]


def _joints(probe: Probe, pictures: Sequence[Any]) -> list[float]:
    import json

    from ...demo.judges import measures
    from ...preprocessors.pose import keypoints

    (frame,) = keypoints.read_frames(json.loads((ROOT / "demo" / "pictures" / "dancer.json").read_text("utf-8")))
    wanted = frame.people[0].body * (256 / frame.width, 256 / frame.height, 1)
    return [measures.joint_error(joints, wanted) for joints in _verdict(pictures).joints.numpy()]


SLIDES: dict[str, tuple[Callable[[Probe], None], Callable[[Probe], list[Measurement]]]] = {
    "01-recognition-and-generation": (_ask_latent, _latent),
    "02-forward-and-reverse-diffusion": (_ask_reverse, _reverse),
    "03-same-prompt-many-answers": (_ask_seeds, _seeds),
    "04-expression-swap": (_ask_cells("SteerSweep"), _moods),
    "05-expression-by-place": (_ask_cells("SteerSweep"), _combinations),
    "06-one-seed-four-moods": (_ask_cells("Sweep of moods"), _four_moods),
    "07-inpaint-the-expression": (_ask_inpainted, _measure_inpainted),
    "08-canny-same-face-angle": (
        _ask_rows,
        _rows(
            _edges,
            "edges as in the hint: F1 {:.2f} with control, {:.2f} without",
            lambda held, free: held > 1.5 * free,
        ),
    ),
    "09-mlsd-one-room-two-styles": (
        _ask_rows,
        _rows(
            _lines,
            "of the hint's lines {:.0f} % are in the picture with control, {:.0f} % without",
            lambda held, free: held > free + 0.2,
            100,
        ),
    ),
    "10-openpose-one-pose-many-people": (
        _ask_rows,
        _rows(
            _joints,
            "joints are {:.1f} % of the side away from the skeleton with control, {:.1f} % without",
            lambda held, free: held < 0.05 and held < free,
            100,
        ),
    ),
}
