"""Expression Dial: exact at 0 and 1, without a jump beside them, on every kind of text encoder; and as an axis."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from steer.nodes.prompts.dial import Dial, dial_axis, read_amounts, read_dial, turn
from zoo.encoders import TARGETS, clip_of
from zoo.families import BY_NAME
from zoo.runs import sample, sigmas_of

PROMPT = "gorgeous cute Austrian girl, (smiling:1.2), backstreet"
SAME = [
    "Steer's demo",
    "SD 1.5",
    "SDXL",
    "SD 3.5",
    "Flux.1",
    "Wan 2.1",
]  # encoders that pad a short prompt to one length
ALL = ["Steer's demo", *TARGETS]
LONGER = "furious and full of rage"
STEPS = 3


def dialled(comfy, clip: Any, dial: float, **change: Any) -> tuple[Any, ...]:
    given = {"clip": clip, "prompt": PROMPT, "find": "smiling", "word": LONGER, "dial": dial, "values": "0-1.4[8]"}
    return comfy.call("SteerExpressionDial", **(given | {"whole_words": True, "match_case": False} | change))


def encoded(clip: Any, text: str) -> Any:
    with torch.inference_mode():
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def assert_same(found: Any, expected: Any) -> None:
    assert len(found) == len(expected)
    for (a, more), (b, other) in zip(found, expected, strict=True):
        assert torch.equal(a, b)
        assert more.keys() == other.keys()
        for name, value in other.items():
            assert torch.equal(more[name], value) if isinstance(value, torch.Tensor) else more[name] == value


@pytest.mark.parametrize("name", ALL)
def test_0_and_1_are_the_two_prompts_own(comfy, name: str):
    clip = clip_of(BY_NAME[name])
    assert_same(dialled(comfy, clip, 0.0)[0], encoded(clip, PROMPT))
    assert_same(dialled(comfy, clip, 1.0)[0], encoded(clip, PROMPT.replace("smiling", LONGER)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_there_is_no_jump_beside_the_ends_and_more_beyond_them(comfy, name: str):
    """0.02 and 0.98 differ from 0 and 1 by at most a tenth of the whole change; 1.3 and -0.5 are still others."""
    family = BY_NAME[name]
    clip, model = clip_of(family), family.model()
    sigmas, negative = sigmas_of(model, STEPS), encoded(clip, "")

    def latent(dial: float) -> torch.Tensor:
        return sample(family, model, dialled(comfy, clip, dial)[0], negative, sigmas).latent

    zero, one = latent(0.0), latent(1.0)
    whole = float((one - zero).norm())
    assert whole > 0.0
    assert float((latent(0.02) - zero).norm()) <= 0.1 * whole
    assert float((latent(0.98) - one).norm()) <= 0.1 * whole
    beyond = latent(1.3)
    assert torch.isfinite(beyond).all()
    assert float((beyond - zero).norm()) > whole
    assert float((latent(-0.5) - one).norm()) > whole


@pytest.mark.parametrize("name", ALL)
def test_the_report_says_how_it_was_made(comfy, name: str):
    conditioning, _, _, report = dialled(comfy, clip_of(BY_NAME[name]), 0.25)
    assert report.startswith(f"smiling -> {LONGER}, dial 0.25: ")
    if name in SAME:
        assert report.endswith("on the line between the encodings.")
        assert len(conditioning) == 1
    else:
        assert "two predictions of strength 0.75 and 0.25, one more pass in each step, because the encodings" in report
        assert [entry[1]["strength"] for entry in conditioning] == [0.75, 0.25]


def test_the_line_takes_the_pooled_parts_along(comfy):
    clip = clip_of(BY_NAME["SDXL"])
    (cond, more), *_ = dialled(comfy, clip, 1.3)[0]
    (a, first), (b, second) = encoded(clip, PROMPT)[0], encoded(clip, PROMPT.replace("smiling", LONGER))[0]
    assert torch.allclose(cond, a + 1.3 * (b - a), atol=1e-5)
    pooled = first["pooled_output"] + 1.3 * (second["pooled_output"] - first["pooled_output"])
    assert torch.allclose(more["pooled_output"], pooled, atol=1e-5)


def test_two_predictions_are_weighted_as_comfyui_averages_them(comfy):
    """The prediction at 0.3 is 0.7 of the one prompt's and 0.3 of the other's, also beyond 1."""
    family = BY_NAME["Qwen-Image"]
    clip, model = clip_of(family), family.model()
    first, second = encoded(clip, PROMPT), encoded(clip, PROMPT.replace("smiling", LONGER))
    one_step = torch.tensor([1.0, 0.5])
    ends = [sample(family, model, each, first, one_step).latent for each in (first, second)]
    for dial in (0.3, 1.3, -0.5):
        mixed = sample(family, model, turn(first, second, dial)[0], first, one_step).latent
        assert torch.allclose(mixed, ends[0] + dial * (ends[1] - ends[0]), atol=1e-4)


def test_masks_of_tokens_are_never_averaged():
    a, b = torch.zeros(1, 4, 2), torch.ones(1, 4, 2)
    masks = torch.tensor([[1, 1, 1, 0]]), torch.tensor([[1, 1, 0, 0]])
    mixed, how = turn([[a, {"attention_mask": masks[0]}]], [[b, {"attention_mask": masks[1]}]], 0.5)
    assert len(mixed) == 2
    assert "differ in attention_mask" in how
    mixed, how = turn([[a, {"attention_mask": masks[0]}]], [[b, {"attention_mask": masks[0]}]], 0.5)
    assert "line" in how
    assert mixed[0][1]["attention_mask"] is masks[0]


def test_a_prompt_of_two_chunks_meets_one_of_one(comfy):
    """75 tokens fill a chunk of CLIP: the swap may begin another."""
    clip = clip_of(BY_NAME["SD 1.5"])
    long = ", ".join(["girl"] * 37) + ", smiling"
    _, _, _, report = dialled(comfy, clip, 0.5, prompt=long)
    assert "because the encodings have 77 and 154 tokens" in report


def test_the_dial_can_begin_at_a_step(comfy):
    """The steps before it see the prompt as it is, which the first steps of the latent show bit for bit."""
    family = BY_NAME["SD 1.5"]
    clip, model = clip_of(family), family.model()
    sigmas = sigmas_of(model, 4)
    plain, negative = encoded(clip, PROMPT), encoded(clip, "")
    late, _, _, report = dialled(comfy, clip, 1.3, from_step=3, sigmas=sigmas, model=model)
    assert report.splitlines()[-1].startswith("It acts from step 3 of 4 on (sigma ")
    at_once = dialled(comfy, clip, 1.3)[0]
    for steps, same in ((2, True), (3, False)):
        part = sigmas[: steps + 1]
        assert torch.equal(*(sample(family, model, each, negative, part).latent for each in (late, plain))) is same
    assert not torch.equal(*(sample(family, model, each, negative, sigmas).latent for each in (late, at_once)))


def test_the_axis_of_a_sweep():
    swap = read_dial("smiling, sunny", "angry, stormy")
    axis = dial_axis(swap, read_amounts("0-1.4[8], -0.5"))
    assert len(axis) == 9
    assert axis.labels[0] == "angry, stormy 0"
    assert axis.labels[-1] == "angry, stormy -0.5"
    assert axis.values[-1] == Dial(("smiling", "sunny"), ("angry", "stormy"), -0.5)
    assert axis.values[0].swap == swap
    assert len({hash(value) for value in axis.values}) == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"find": "smilling"}, r"^find: 'smilling' is not in the prompt\. Nearest are: 'smiling'"),
        ({"word": "angry\nsad"}, r"^word: a dial turns to one word"),
        ({"word": " "}, r"^word: it is empty"),
        ({"dial": 4.0}, r"^dial: 4 is outside -2 to 3"),
        ({"values": "0, 1, 1"}, r"^values, character 7 .*1 is there twice"),
        ({"values": "0-4"}, r"^values, .*dial 4 is outside 0 to 3"),
        ({"values": "-1-1"}, r"no range begins below 0"),
        ({"values": ""}, r"^values.*there is no value here"),
        ({"values": "much"}, r"this is no number or range"),
        ({"from_step": 3}, r"^sigmas: from_step 3 needs it"),
        (
            {"from_step": 3, "sigmas": torch.tensor([1.0, 0.0]), "model": object()},
            r"^from_step: the schedule has 1 steps",
        ),
        ({"clip": None}, r"^clip: there is none"),
    ],
)
def test_what_cannot_be_is_named_with_its_remedy(comfy, change: dict[str, Any], message: str):
    given = {"clip": clip_of(BY_NAME["Steer's demo"]), "dial": 0.5} | change
    with pytest.raises(ValueError, match=message):
        dialled(comfy, **given)
