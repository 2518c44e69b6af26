"""Demo Model says which words of a prompt it does not know, and encodes them as it would without."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HELP = [ROOT / "nodes/web/docs" / page for page in ("SteerDemoModel.md", "SteerDemoModel/ko.md")]
SAILOR = "an old sailor with a beard, smiling, harbour at night"
NOTE = "prompt: the Demo Model does not know: {}. Use the words that its help page lists, or a checkpoint."


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


@pytest.mark.parametrize(
    ("prompt", "unknown"),
    [
        ("gorgeous cute Austrian girl, smiling, (crop top), turtleneck, jogger pants, backstreet", []),
        ("(Girl:1.2) with a Pearl Earring... !", []),
        (SAILOR, ["old", "sailor", "beard", "harbour", "night"]),
        ("a (sailor:1.3), girl", ["sailor"]),
        ("girl, \uc18c\ub140", ["\uc18c\ub140"]),
        ("girl, " * 200 + "sailor", ["sailor"]),
        ("", []),
    ],
)
def test_the_words_that_it_was_not_taught(comfy, prompt: str, unknown: list[str]):
    assert comfy.call("SteerDemoModel")[1].tokenizer.find_unknown(prompt) == unknown


def test_the_conditioning_is_that_of_comfyuis_own_tokenizer(comfy):
    from comfy.sd1_clip import SD1Tokenizer

    clip = comfy.call("SteerDemoModel")[1]
    plain = SD1Tokenizer()
    for prompt in (SAILOR, "(girl:1.4), smiling"):
        for ids in (False, True):
            assert clip.tokenize(prompt, return_word_ids=ids) == plain.tokenize_with_weights(prompt, ids)


@pytest.mark.parametrize("page", HELP, ids=("en", "ko"))
def test_the_help_page_lists_all_of_them(comfy, page: Path):
    from steer.demo import store
    from steer.demo.networks import END, START

    (words,) = re.findall(r"^- `([^`]+)`$", page.read_text(encoding="utf-8"), re.MULTILINE)
    clip = comfy.call("SteerDemoModel")[1]
    assert clip.tokenizer.find_unknown(words) == []
    listed = {token for batch in clip.tokenize(words)["l"] for token, _ in batch}
    pieces = {token for token in listed if isinstance(token, int)} - {START, END}
    comma = clip.tokenize(",")["l"][0][1][0]
    taught = {*store.read("text_encoder")[0]["tokens"].tolist()} - {START, END, comma}
    assert pieces == taught


def test_it_stands_below_the_node_once_in_each_run(
    comfy, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    from browser_texts import listen

    said = listen(monkeypatch).said
    graph = {"model": node("SteerDemoModel"), "known": node("CLIPTextEncode", clip=["model", 1], text="girl")}
    for i, text in enumerate(("sailor, girl", "harbour, girl")):
        graph["words"] = node("CLIPTextEncode", clip=["model", 1], text=text)
        graph |= {
            "sample": node(
                "KSampler",
                model=["model", 0],
                seed=i,
                steps=1,
                cfg=1.0,
                sampler_name="euler",
                scheduler="normal",
                positive=["words", 0],
                negative=["known", 0],
                latent_image=["latent", 0],
                denoise=1.0,
            ),
            "latent": node("EmptyLatentImage", width=256, height=256, batch_size=1),
            "shown": node("PreviewImage", images=["decode", 0]),
            "decode": node("VAEDecode", samples=["sample", 0], vae=["model", 2]),
        }
        result = comfy.run(graph)
        assert result.error is None, result.message
    assert said == [("words", NOTE.format("sailor")), ("words", NOTE.format("harbour"))]
    assert caplog.text.count("does not know") == 2


def test_many_words_are_counted():
    from steer.nodes.taught_words import SHOWN, find_unknown, note_words

    words = [f"w{i}" for i in range(SHOWN + 3)]
    assert note_words(words) == NOTE.format(f"{', '.join(words[:SHOWN])} and 3 more")
    assert note_words(["a", "b", "a"]) == NOTE.format("a, b")
    assert note_words([]) == ""
    assert find_unknown(None, "a") == find_unknown(object(), "a") == [], "other models do not say what they know"
