"""The parts of the training that can be wrong without the loss showing it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from steer.demo import store
from steer.demo.networks import UNET, controlnet_config
from steer.demo.scenes import HELD_OUT, render
from steer.demo.train import reader
from steer.demo.train.autoencoder import Autoencoder
from steer.demo.train.common import Run, anneal
from steer.demo.train.control import build_controlnet, pad_hint_encoder
from steer.demo.train.data.chunks import FEATURES, captions_of, emphasis_of, features_of, record_of
from steer.demo.train.data.latents import SceneBatch
from steer.demo.train.data.text import FILLERS, LENGTH, UNKNOWN, Vocabulary
from steer.demo.train.diffusion import add_noise, alpha_bars, sample
from steer.demo.train.options import TOKENIZER
from steer.demo.train.shipped import (
    crop_padding,
    go_on,
    load_autoencoder,
    load_shipped_autoencoder,
    load_text_encoder,
    load_unet,
    open_autoencoder,
)
from steer.demo.train.unet import build_text_encoder, build_unet


def options_of(out: Path, **chosen: Any) -> Namespace:
    plain = {"resume": None, "minutes": 1e6, "rate": 1e-3, "checkpoint": 5.0}
    plain |= {"schedule": "cosine", "optimizer": "adamw"}
    return Namespace(out=out, **(plain | chosen))


def tiny_run(out: Path, **chosen: Any) -> Run:
    torch.manual_seed(0)
    networks = {"line": torch.nn.Linear(3, 2), "frozen": torch.nn.Linear(2, 2).requires_grad_(False)}
    return Run("tiny", networks, options_of(out, **chosen))


def steps(run: Run, count: int) -> None:
    """`count` steps, each on data that depends only on its number."""
    last = run.step + count

    def loss(step: int) -> tuple[torch.Tensor, dict[str, float]]:
        run.stopping = step == last - 1
        x = torch.randn(8, 3, generator=torch.Generator().manual_seed(step))
        return (run.networks["line"](x) - x.sum(1, keepdim=True)).square().mean(), {}

    run.train(loss, lambda: None)


@pytest.mark.parametrize(("optimizer", "schedule"), [("adamw", "cosine"), ("muon", "steady")])
def test_a_resumed_run_goes_on_where_it_stopped(tmp_path: Path, optimizer: str, schedule: str) -> None:
    chosen = {"optimizer": optimizer, "schedule": schedule}
    whole = tiny_run(tmp_path, **chosen)
    steps(whole, 7)
    steps(tiny_run(tmp_path, **chosen), 4)
    resumed = tiny_run(tmp_path, resume=tmp_path / "tiny.safetensors", **chosen)
    assert resumed.step == 4
    steps(resumed, 3)
    assert resumed.step == whole.step == 7
    for mine, expected in zip(resumed.parameters, whole.parameters, strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-7, rtol=1e-5)
    for mine, expected in zip(resumed.averages, whole.averages, strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-7, rtol=1e-5)


def test_resuming_a_finished_run_starts_a_new_cycle(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, minutes=1e-6)
    run.spent = run.budget
    run.save()
    resumed = tiny_run(tmp_path, resume=run.path, minutes=5)
    assert (resumed.spent, resumed.budget) == (0.0, 300.0)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [anneal(x, 1.0) for x in np.linspace(0, 1.2, 121)]
    top = int(np.argmax(rates))
    assert rates[top] == pytest.approx(1.0, abs=0.01)
    assert 0 < top < 6
    assert all(a >= b for a, b in zip(rates[top:], rates[top + 1 :], strict=False))
    assert rates[-1] == pytest.approx(0.02)


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    vocabulary = Vocabulary(TOKENIZER)
    vocabulary.learn(["girl, smiling, (crop top), black background", "2 elephants, photo", *FILLERS])
    return vocabulary


def test_a_prompt_has_comfyui_tokens_and_unknown_words_share_a_row(words: Vocabulary) -> None:
    start, end = 1, 2
    (rows,) = words.batch(["girl, quokka, photo"]).tolist()
    assert len(rows) == LENGTH
    assert rows[0] == start
    assert set(rows[-60:]) == {end}
    assert UNKNOWN in rows
    assert words.words("crop top") == words.words("(crop top)")
    assert len(words.batch(["girl, " * 200])[0]) == LENGTH


def test_varied_captions_are_partly_empty_and_partly_unknown(words: Vocabulary) -> None:
    caption = "girl, smiling, crop top, black background"
    rows = words.varied([caption] * 2000, np.random.default_rng(0), empty=0.12)
    plain, nothing = words.batch([caption])[0], words.batch([""])[0]
    assert (rows == nothing).all(1).float().mean() == pytest.approx(0.12, abs=0.03)
    assert 0.4 < (rows == plain).all(1).float().mean() < 0.8
    assert 0.05 < (rows == UNKNOWN).any(1).float().mean() < 0.25


def test_the_loss_looks_at_the_face() -> None:
    scene = render(3, kind="portrait")
    assert scene.face_box is not None
    weight = emphasis_of(scene)
    assert weight.mean() == pytest.approx(1, abs=1e-3)
    left, top, right, bottom = (round(v / 8) for v in scene.face_box)
    inside = weight[top:bottom, left:right].mean()
    assert inside > 2 * (weight.sum() - weight[top:bottom, left:right].sum()) / (
        weight.size - (bottom - top) * (right - left)
    )


def test_several_wordings_of_a_scene_agree_on_the_expression() -> None:
    scene = render(3, kind="portrait", expression="angry")
    captions = captions_of("portrait", scene.attributes, 3)
    assert captions[0] == scene.caption
    assert len(captions) > 2
    assert all("angry" in caption for caption in captions)


def test_sampling_inverts_the_noise_of_a_perfect_model() -> None:
    """With a network that knows the noise, DDIM arrives at the clean latent from any starting noise."""
    x0 = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    bars = alpha_bars()

    def network(x: torch.Tensor, t: torch.Tensor, context: torch.Tensor) -> Namespace:
        bar = bars[t][:, None, None, None]
        return Namespace(sample=(x - bar.sqrt() * torch.cat([x0, x0])) / (1 - bar).sqrt())

    nothing = torch.zeros(2, LENGTH, 8)
    noise = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(sample(network, nothing, nothing, noise, steps=10), x0, atol=0.05, rtol=0)


def test_noised_latents_are_the_exact_marginal_and_weighted_by_their_noise() -> None:
    torch.manual_seed(0)
    x0, emphasis = torch.randn(64, 4, 32, 32), torch.ones(64, 1, 32, 32)
    x, noise, t, weight = add_noise(Namespace(latents=x0, emphasis=emphasis), alpha_bars())  # type: ignore[arg-type]
    bar = alpha_bars()[t][:, None, None, None]
    torch.testing.assert_close(x, bar.sqrt() * x0 + (1 - bar).sqrt() * noise)
    means = noise.mean((2, 3))  # by chance alone they would deviate by 1/32
    assert 0.08 < float(means.std()) < 0.13
    assert abs(float((noise - means[..., None, None]).std()) - 1) < 0.01
    assert sorted((t // 125).tolist()) == [i for i in range(8) for _ in range(8)]
    ratio = (bar / (1 - bar)).flatten()
    expected = torch.where(ratio > 5, 5 / ratio, (5 / ratio).sqrt())
    torch.testing.assert_close(weight[:, 0, 0, 0], expected)


@torch.no_grad()
def test_a_narrow_hint_encoder_is_the_padded_one() -> None:
    base = build_unet()
    taught = build_controlnet(base)
    for index, weight in enumerate(taught.parameters()):
        weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(index)))
    whole = ControlNetModel(**controlnet_config())
    whole.load_state_dict(pad_hint_encoder(taught.state_dict()))
    x, hint = torch.randn(1, 4, 32, 32), torch.rand(1, 3, 256, 256)
    arguments = (x, torch.tensor([300]), torch.randn(1, 77, UNET["cross_attention_dim"]), hint)
    down, middle = taught(*arguments, return_dict=False)
    expected_down, expected_middle = whole(*arguments, return_dict=False)
    assert expected_middle.std() > 0.01
    for mine, expected in zip([*down, middle], [*expected_down, expected_middle], strict=True):
        torch.testing.assert_close(mine, expected, atol=1e-4, rtol=1e-4)
    again = build_controlnet(base)
    again.load_state_dict(crop_padding(whole.state_dict(), again))
    for mine, expected in zip(again.parameters(), taught.parameters(), strict=True):
        assert torch.equal(mine, expected)


@torch.no_grad()
def test_training_goes_on_from_the_shipped_weights(tmp_path: Path) -> None:
    network, encoder = build_unet(), build_text_encoder()
    metadata, tokens = load_unet(network), load_text_encoder(encoder)
    stored = store.read("unet")[0]
    assert all(torch.equal(value, stored[key].float()) for key, value in network.state_dict().items())
    words = Vocabulary(TOKENIZER, tokens)
    assert words.tokens == tokens
    table = encoder.get_input_embeddings().weight
    shipped = store.read("text_encoder")[0]
    assert torch.equal(table[UNKNOWN], shipped["unknown"].float())
    row = words.words("smiling")[0]
    taught = shipped["text_model.embeddings.token_embedding.weight"][shipped["tokens"].tolist().index(tokens[row - 1])]
    assert row != UNKNOWN
    assert torch.equal(table[row], taught.float())
    run = Run("model", {"unet": network}, options_of(tmp_path, minutes=1.0))
    go_on(run, metadata, tokens=tokens)
    assert run.step == int(metadata["steps"]) > 0
    assert all(torch.equal(a, b) for a, b in zip(run.averages, run.parameters, strict=True))


@torch.no_grad()
def test_the_shipped_autoencoder_reconstructs_a_scene(tmp_path: Path) -> None:
    vae = open_autoencoder(tmp_path / "no-checkpoint.safetensors")
    picture = torch.from_numpy(render(1_000_000_000).image).permute(2, 0, 1)[None].float() / 255
    latent = vae.encode(picture)
    assert abs(float(latent.mean())) < 0.5
    assert 0.5 < float(latent.std()) < 1.5
    assert float((vae.decode(latent) - picture).square().mean()) < 10**-2.5


@torch.no_grad()
def test_channels_that_the_shipped_decoder_does_not_use_can_learn_and_change_nothing() -> None:
    network = Autoencoder()
    notes = load_autoencoder(network)
    shipped = load_shipped_autoencoder()
    x = torch.rand(1, 4, 8, 8)
    torch.testing.assert_close(network.taesd_decoder(x), shipped.taesd_decoder(x), atol=1e-5, rtol=0)
    assert all(
        bool((each.flatten(1).abs().amax(1) > 0).all())
        for key, each in network.named_parameters()
        if key.endswith("weight")
    )
    assert float(notes["mean"]) == pytest.approx(float(shipped.mean))
    assert float(notes["deviation"]) == pytest.approx(float(shipped.deviation))


def face_at(left: int, top: int, right: int, bottom: int, expression: str = "angry") -> dict[str, Any]:
    return {"attributes": {"expression": expression}, "face_box": [left, top, right, bottom]}


def test_the_reader_looks_at_the_face_from_near() -> None:
    x = torch.zeros(2, 4, 32, 32)
    x[0, :, 8:16, 4:12] = 1.0
    nothing: list[Any] = []
    batch = SceneBatch(
        x, torch.ones(2, 1, 32, 32), [face_at(32, 64, 96, 128), {"attributes": {}, "face_box": None}], nothing
    )
    faces = reader.near(x, reader.faces(batch))
    assert faces.shape == (2, 4, reader.NEAR, reader.NEAR)
    assert float(faces[0, :, 1:-1, 1:-1].min()) > 0.99
    assert float(faces[1].max()) == 0
    labels = reader.labels(batch)
    assert labels[0, 0] == 1
    assert (labels[1] == -1).all()


def test_what_the_reader_says_counts_only_where_it_is_asked() -> None:
    torch.manual_seed(0)
    network = reader.Reader().eval()
    x = torch.randn(3, 4, 32, 32, requires_grad=True)
    records = [face_at(64, 64, 192, 192), face_at(64, 64, 192, 192), {"attributes": {}, "face_box": None}]
    batch = SceneBatch(x, torch.ones(3, 1, 32, 32), records, [])
    weight = torch.tensor([1.0, 0.0, 1.0])
    reader.reading_loss(network, x, reader.faces(batch), reader.labels(batch), weight).backward()
    assert x.grad is not None
    assert float(x.grad[0].abs().max()) > 0
    assert float(x.grad[1:].abs().max()) == 0, "not asked for, or has no attributes"
    before = float(reader.reading_loss(network, x, reader.faces(batch), reader.labels(batch), weight).detach())
    with torch.no_grad():
        after = reader.reading_loss(network, x - 0.5 * x.grad, reader.faces(batch), reader.labels(batch), weight)
    assert float(after) < before


def test_brows_and_mouth_weigh_more_than_the_rest_of_a_face() -> None:
    record = record_of(render(HELD_OUT, kind="portrait", subject="girl"))
    weight = features_of(record)
    nose, right_eye = (np.array(record["joints"][0][i][:2]) / 8 for i in (0, 14))
    assert weight[int(right_eye[1] - 1), int(right_eye[0])] == FEATURES
    assert weight[int(nose[1] + 2), int(nose[0])] == FEATURES
    assert weight[0, 0] == weight[31, 31] == 1
    assert 0.05 < (weight > 1).mean() < 0.3
    assert (features_of(record | {"joints": [], "face_box": None}) == 1).all()
