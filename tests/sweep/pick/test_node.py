"""Early Pick in ComfyUI's executor: the first run shows, the second finishes; what is kept holds; faults are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from steer.nodes.sweep.pick.choose import find_most_different, read_pick
from sweep_lab import node

SIZE = 64


@pytest.fixture
def user(comfy, tmp_path: Path) -> Iterator[Path]:
    """The folder of ComfyUI's user, empty."""
    import folder_paths

    before = folder_paths.get_user_directory()
    folder_paths.set_user_directory(str(tmp_path))
    yield tmp_path / "steer-early-pick"
    folder_paths.set_user_directory(before)


def graph(pick: str = "", steps: int = 2, text: str = "1-5", **change: Any) -> dict[str, Any]:
    """The embedded model with Early Pick, and what lies behind it."""
    nodes = {
        "model": node("SteerDemoModel"),
        "plus": node("CLIPTextEncode", clip=["model", 1], text="girl, smiling, backstreet"),
        "minus": node("CLIPTextEncode", clip=["model", 1], text=""),
        "guider": node("CFGGuider", model=["model", 0], positive=["plus", 0], negative=["minus", 0], cfg=4.0),
        "seeds": node("SteerSeeds", text=text),
        "noise": node(
            "SteerSeededNoise",
            seeds=["seeds", 0],
            rng="ComfyUI (CPU)",
            variation_seed=0,
            variation_strength=0.0,
            batch_size=0,
        ),
        "sampler": node("KSamplerSelect", sampler_name="dpmpp_2m_sde"),
        "sigmas": node("BasicScheduler", model=["model", 0], scheduler="normal", steps=5, denoise=1.0),
        "latent": node("EmptyLatentImage", width=SIZE, height=SIZE, batch_size=1),
        "pick": node(
            "SteerEarlyPick",
            noise=["noise", 0],
            guider=["guider", 0],
            sampler=["sampler", 0],
            sigmas=["sigmas", 0],
            latent_image=["latent", 0],
            vae=["model", 2],
            steps=steps,
            pick=pick,
            batch_size=1,
            cell_size=64,
        ),
        "keep": node("TestKeep", latent=["pick", 0], report=["pick", 3]),
        "report": node("PreviewAny", source=["pick", 3]),
    }
    for name, inputs in change.items():
        nodes[name]["inputs"] |= inputs
    return nodes


@pytest.fixture
def kept(comfy, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What came out of Early Pick, run by run."""
    found: list[Any] = []

    class Keep:
        RETURN_TYPES = ()
        FUNCTION = "keep"
        OUTPUT_NODE = True

        @classmethod
        def INPUT_TYPES(cls) -> dict[str, Any]:
            return {"required": {"latent": ("LATENT",), "report": ("STRING", {"forceInput": True})}}

        def keep(self, latent: Any, report: str) -> dict[str, Any]:
            found.append((latent["samples"].clone(), report))
            return {}

    monkeypatch.setitem(comfy.nodes.NODE_CLASS_MAPPINGS, "TestKeep", Keep)
    return found


def run(comfy, **given: Any) -> Any:
    result = comfy.run(graph(**given))
    assert result.error is None, result.message
    return result


def report_of(result: Any) -> str:
    return result.outputs["report"]["text"][0]


def alone(comfy, seed: int) -> torch.Tensor:
    """The stock picture of one seed."""
    nodes = graph()
    nodes["noise"] = node("RandomNoise", noise_seed=seed)
    nodes["pick"] = node(
        "SamplerCustomAdvanced",
        **{name: [name, 0] for name in ("noise", "guider", "sampler", "sigmas")},
        latent_image=["latent", 0],
    )
    nodes["say"] = node("PrimitiveString", value="stock")
    nodes["keep"]["inputs"]["report"] = ["say", 0]
    del nodes["report"]
    result = comfy.run(nodes)
    assert result.error is None, result.message
    return result


@pytest.mark.slow
def test_the_first_run_shows_and_the_second_finishes(comfy, user: Path, kept: list[Any]):
    first = run(comfy)
    assert not kept, "what is behind it waits"
    assert first.outputs["pick"]["images"], "the sheet is shown on the node"
    assert report_of(first).splitlines()[:2] == [
        "5 seeds x 2 of 5 steps: 10 steps of pictures.",
        "Nothing is picked yet. Write numbers of the sheet into pick, then run again.",
    ]
    assert "computed 20 pictures" in report_of(first), "two sides of the guidance"
    assert len(list(user.glob("*/*.safetensors"))) == 5
    second = run(comfy, pick="4, 1")
    samples, report = kept.pop()
    assert report == report_of(second)
    assert "Picked 4, 1: 6 more. 16 in place of 25 (64 %)." in report
    assert "computed 12 pictures" in report
    alone(comfy, 4)
    assert torch.equal(samples[0], kept.pop()[0][0])
    alone(comfy, 1)
    assert torch.equal(samples[1], kept.pop()[0][0])


@pytest.mark.slow
@pytest.mark.parametrize("cached", [True, False])
def test_what_was_made_holds_after_a_restart_and_without_a_cache(comfy, user: Path, kept: list[Any], cached: bool):
    comfy.fresh(cached=cached)
    run(comfy)
    comfy.fresh(cached=cached)
    result = run(comfy, pick="2")
    assert "computed 6 pictures" in report_of(result)
    picked = kept.pop()[0]
    run(comfy, pick="2", text="1-6")
    assert "6 seeds x 2 of 5 steps" in kept[-1][1]
    assert torch.equal(kept[-1][0], picked)


@pytest.mark.slow
def test_another_prompt_schedule_or_latent_is_another_set_and_four_are_kept(comfy, user: Path, kept: list[Any]):
    changes = [{}, {"plus": {"text": "girl, angry"}}, {"sigmas": {"scheduler": "karras"}}, {"latent": {"width": 128}}]
    changes += [{"sampler": {"sampler_name": "euler"}}]
    for number, change in enumerate(changes, start=1):
        result = run(comfy, text="1-2", **change)
        assert "computed 8 pictures" in report_of(result), change
        assert len(list(user.iterdir())) == min(number, 4)
    again = run(comfy, text="1-2", **changes[-1])
    assert "computed 0 pictures" in report_of(again) or not again.executed


@pytest.mark.slow
def test_a_damaged_file_is_made_again(comfy, user: Path, kept: list[Any], caplog: pytest.LogCaptureFixture):
    run(comfy, text="1-2")
    path = sorted(user.glob("*/*.safetensors"))[0]
    path.write_bytes(path.read_bytes()[:100])
    comfy.fresh()
    result = run(comfy, text="1-2", pick="1, 2")
    assert "computed 16 pictures" in report_of(result), "4 for the one that was damaged, 12 to finish"
    assert "cannot be used and is made again" in caplog.text


@pytest.mark.slow
def test_pictures_with_a_row_of_conditioning_each_keep_their_row(comfy, user: Path, kept: list[Any]):
    """Seed Spread before the guider: the pictures picked are those of their own rows."""
    spread = node("SteerSeedSpread", conditioning=["plus", 0], noise=["noise", 0], sigmas=["sigmas", 0])
    spread["inputs"] |= {"model": ["model", 0], "strength": 3.0, "steps": 2}
    found = {}
    for text, pick in (("1-4", "3"), ("3", "1")):
        nodes = graph(pick=pick, text=text, guider={"positive": ["spread", 0]}) | {"spread": spread}
        result = comfy.run(nodes)
        assert result.error is None, result.message
        found[text] = kept.pop()[0]
    assert torch.equal(found["1-4"], found["3"])


@pytest.mark.slow
def test_faults_are_named_before_any_step(comfy, user: Path, kept: list[Any]):
    for change, words in (
        ({"steps": 5}, "steps: 5 of 5 steps leave nothing to finish. Use 1 to 4."),
        ({"sampler": {"sampler_name": "dpm_adaptive"}}, "sampler: 'dpm_adaptive' chooses its step sizes from an error"),
        ({"latent": {"batch_size": 3}}, "latent_image: it holds 3 pictures, and the noise has 5 seeds"),
    ):
        assert words in comfy.run(graph(**change)).message
    assert "pick, character 1 ('9'): number 9 is outside 1 to 5." in comfy.run(graph(pick="9")).message
    assert not user.exists()
    nodes = graph() | {"lazy": node("EasyCache", model=["model", 0], reuse_threshold=0.2, start_percent=0.1)}
    nodes["lazy"]["inputs"] |= {"end_percent": 0.9, "verbose": False}
    nodes["guider"]["inputs"]["model"] = ["lazy", 0]
    assert "its model has easycache, which remembers earlier steps" in comfy.run(nodes).message
    nodes = graph() | {"noise": node("RandomNoise", noise_seed=1)}
    assert "noise: this noise has no seed for each picture. Connect the node Seeded Noise." in comfy.run(nodes).message


def test_picks_are_read_with_their_places():
    early = torch.arange(10.0).view(10, 1)
    assert read_pick("3, 7\n1-2", early) == [2, 6, 0, 1]
    assert read_pick("different 2", early) == [0, 9]
    assert read_pick("Different 3", early) == [0, 4, 9]
    assert read_pick("different 10", early) == list(range(10))
    for text, words in (
        ("11", r"number 11 is outside 1 to 10"),
        ("0", r"number 0 is outside 1 to 10"),
        ("3, 3", r"3 is there twice"),
        ("different 11", r"^pick, character 11 \('11'\): there are 10 pictures"),
        ("all", r"this is no number or range"),
    ):
        with pytest.raises(ValueError, match=words):
            read_pick(text, early)


def test_the_most_different_are_as_far_apart_as_can_be():
    items = torch.tensor([[0.0, 0.0], [0.1, 0.0], [5.0, 0.0], [5.0, 0.1], [0.0, 5.0]])
    assert len(find_most_different(items, 1)) == 1
    chosen = find_most_different(items, 3)
    assert len({0, 1} & set(chosen)) == len({2, 3} & set(chosen)) == 1
    assert 4 in chosen
