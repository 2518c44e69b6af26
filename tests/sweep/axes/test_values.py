"""The language of Value Axis: numbers and names of every kind, and errors that name the fault."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fuzz import TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st
from steer.nodes.axis import EncoderFiles, Lora
from steer.nodes.sweep.choices import KINDS, NAMES
from steer.nodes.sweep.plan.values import MAX_VALUES, NUMBERS, note_commas, read_values
from steer.nodes.text.error import TextError

KNOWN = {
    "sampler": ["euler", "euler_ancestral", "dpmpp_2m"],
    "scheduler": ["normal", "karras"],
    "checkpoint": ["sd15/v1-5.safetensors", "dream, big.safetensors", "sd15\\old.ckpt", "b/same.ckpt", "c/same.ckpt"],
    "LoRA": ["detail.safetensors", "styles/ink:wash.safetensors"],
    "diffusion model": ["flux1-dev.safetensors", "flux1-schnell.safetensors"],
    "text encoder": ["clip_l.safetensors", "sd3/t5xxl.safetensors"],
    "VAE": ["ae.safetensors", "pixel_space"],
}


def values(kind: str, text: str) -> list:
    return list(read_values(kind, text, KNOWN.__getitem__).values)


CASES = [
    ("cfg", "4, 6.5,\n 8", [4.0, 6.5, 8.0], ["cfg 4", "cfg 6.5", "cfg 8"]),
    ("steps", "1-10(+2), 20", [1, 3, 5, 7, 9, 20], None),
    ("steps", "5 .. 20 [4]", [5, 10, 15, 20], None),
    ("denoise", "0.1-0.3(+0.1)", [0.1, 0.2, 0.3], ["denoise 0.1", "denoise 0.2", "denoise 0.3"]),
    ("control strength", ".5, 1", [0.5, 1.0], ["strength 0.5", "strength 1"]),
    ("control start", "0", [0.0], ["start 0"]),
    ("control end", "0.50", [0.5], ["end 0.5"]),
    ("switch time", "0-1(+0.5), 8", ["0.0", "0.5", "1.0", "8"], None),
    ("sampler", "euler, DPMPP_2M", ["euler", "dpmpp_2m"], ["euler", "dpmpp_2m"]),
    ("scheduler", "karras\n\nnormal\n", ["karras", "normal"], None),
    ("checkpoint", "v1-5\ndream, big\nsd15/old", [*KNOWN["checkpoint"][:3]], ["v1-5", "dream, big", "old"]),
    (
        "LoRA",
        "none\ndetail : 0.8\ndetail:-1\nstyles/ink:wash.safetensors:.5\ndetail",
        [
            None,
            Lora("detail.safetensors", 0.8),
            Lora("detail.safetensors", -1.0),
            Lora("styles/ink:wash.safetensors", 0.5),
            Lora("detail.safetensors", 1.0),
        ],
        ["no LoRA", "detail 0.8", "detail -1", "ink:wash 0.5", "detail 1"],
    ),
    (
        "LoRA",
        "detail : 0.8 + ink:wash : 0.5\nnone\ndetail + none",
        [
            (Lora("detail.safetensors", 0.8), Lora("styles/ink:wash.safetensors", 0.5)),
            None,
            Lora("detail.safetensors", 1.0),
        ],
        ["detail 0.8 + ink:wash 0.5", "no LoRA", "detail 1"],
    ),
    ("diffusion model", "flux1-dev, flux1-schnell", KNOWN["diffusion model"], ["flux1-dev", "flux1-schnell"]),
    (
        "text encoder",
        "clip_l\nclip_l + t5xxl : flux\nt5xxl:sd3",
        [
            "clip_l.safetensors",
            EncoderFiles(("clip_l.safetensors", "sd3/t5xxl.safetensors"), "flux"),
            EncoderFiles(("sd3/t5xxl.safetensors",), "sd3"),
        ],
        ["clip_l", "clip_l + t5xxl flux", "t5xxl sd3"],
    ),
    ("VAE", "ae, pixel_space", ["ae.safetensors", "pixel_space"], ["ae", "pixel_space"]),
    ("CLIP skip", "1-2", [1, 2], ["CLIP skip 1", "CLIP skip 2"]),
    ("Flux guidance", "2.5, 3.5", [2.5, 3.5], ["guidance 2.5", "guidance 3.5"]),
    ("number", "0.5, 20", [0.5, 20.0], ["0.5", "20"]),
    ("text", "a, b\n-0.5\ntrue", ["a, b", "-0.5", "true"], ["a, b", "-0.5", "true"]),
]


@pytest.mark.parametrize(("kind", "text", "expected", "labels"), CASES)
def test_every_kind_reads_its_values(kind: str, text: str, expected: list, labels: list[str] | None):
    axis = read_values(kind, text, KNOWN.__getitem__)
    assert (axis.name, list(axis.values)) == (kind, expected)
    assert [type(value) for value in axis.values] == [type(value) for value in expected]
    assert labels is None or list(axis.labels) == labels


def test_names_of_files_may_have_commas_between_them_and_inside():
    single, comma, old = KNOWN["checkpoint"][:3]
    assert values("checkpoint", "v1-5, sd15/old\ndream, big") == [single, old, comma]
    assert values("LoRA", "none, detail : 0.8, ink:wash:.5") == [
        None,
        Lora("detail.safetensors", 0.8),
        Lora("styles/ink:wash.safetensors", 0.5),
    ]
    with pytest.raises(TextError, match=r"character 7 \('nothing like'\): checkpoint: ComfyUI has no 'nothing like'"):
        values("checkpoint", "v1-5, nothing like")


def test_a_single_text_with_commas_stays_one_and_is_noted():
    assert values("text", "angry, sad") == ["angry, sad"]
    assert "For 2 values, write one in each line" in note_commas("text", "angry, sad\n")
    assert not any(note_commas("text", text) for text in ("angry", "angry, sad\nlaughing", "(angry, sad:1.2)"))
    assert note_commas("cfg", "4, 8") == ""


def test_the_cases_above_cover_every_kind():
    assert {kind for kind, *_ in CASES} == set(KINDS) == set(NUMBERS) | set(NAMES) | {"text"}


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("cfg", " ", "no value here"),
        ("text", "\n\n", "nothing here"),
        ("text", "a\nb\na", "there twice"),
        ("LoRA", "detail + detail : 2", "a LoRA is there twice in this line"),
        ("LoRA", "detail + nothing like it", "has no 'nothing like it'"),
        ("cfg", "4, x", r"character 4 \('x'\): this is no number"),
        ("cfg", "4, 4.0", "4 is there twice"),
        ("cfg", "101", "cfg 101 is outside 0 to 100"),
        ("cfg", "8-4", "runs backwards"),
        ("cfg", "1-9(+0)", "step of 0"),
        ("cfg", "1-2[1]", r"at least \[2\]"),
        ("cfg", "1-9(-2)", "no number or range"),
        ("cfg", "0-100(+0.001)", f"more than {MAX_VALUES}"),
        ("cfg", "nan", "no number"),
        ("steps", "4.5", "whole numbers"),
        ("steps", "1-4[3]", "gives 2.5, but steps are whole"),
        ("steps", "0", "outside 1 to 10000"),
        ("switch time", "1.5", "a fraction, at most 1.0"),
        ("denoise", "1.01", "outside 0 to 1"),
        ("sampler", "euler_a", "ComfyUI has no 'euler_a'. Nearest are: euler"),
        ("checkpoint", "same", "may be any of b/same.ckpt, c/same.ckpt"),
        ("LoRA", "detail: much", "'much' is no strength"),
        ("LoRA", "detail:1\ndetail : 1.0", "there twice"),
        ("LoRA", "", "no LoRA here"),
        ("text encoder", "clip_l + t6", "ComfyUI has no 't6'"),
        ("CLIP skip", "0", "outside 1 to 24"),
        ("seed", "1", "kind: 'seed' is not known"),
    ],
)
def test_faults_are_named(kind: str, text: str, fault: str):
    with pytest.raises(ValueError, match=fault):
        values(kind, text)


def test_names_where_comfyui_lists_none():
    with pytest.raises(ValueError, match="checkpoint: ComfyUI lists none"):
        read_values("checkpoint", "v1-5", lambda kind: [])


numbers = st.decimals(0, 100, places=3)


@settings(max_examples=TEXTS, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=20, unique=True))
def test_numbers_written_out_read_back(given_numbers: list[Decimal]):
    assert values("cfg", ", ".join(map(str, given_numbers))) == [float(number) for number in given_numbers]


@settings(max_examples=TEXTS, deadline=None)
@given(numbers, st.decimals("0.001", 9, places=3), st.integers(1, 50))
def test_a_range_is_the_sum_of_its_steps(low: Decimal, step: Decimal, count: int):
    high = low + step * (count - 1)
    if high <= 100:
        assert values("cfg", f"{low}-{high}(+{step})") == [float(low + step * i) for i in range(count)]


RUNS = ["runA/epoch-10.safetensors", "runB/epoch-10.safetensors", "runB\\v1.5.ckpt", "x.pt", "x.ckpt"]


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("runA/epoch-10\nRUNB\\\\EPOCH-10", ["runA/epoch-10 1", "runB/epoch-10 1"]),
        ("runA/epoch-10:0.5\nrunA/epoch-10", ["epoch-10 0.5", "epoch-10 1"]),
        ("runb/v1.5\nx.pt\nx.ckpt", ["v1.5 1", "x.pt 1", "x.ckpt 1"]),
        ("v1.5\nnone", ["v1.5 1", "no LoRA"]),
    ],
)
def test_a_folder_without_an_ending_is_found_and_labels_tell_files_of_one_name_apart(text: str, labels: list[str]):
    axis = read_values("LoRA", text, lambda kind: RUNS)
    assert list(axis.labels) == labels
    assert [type(value) for value in axis.values] == [type(None) if "no" in label else Lora for label in labels]


def test_text_encoders_of_one_clip_are_parts_for_a_sweep_value():
    from steer.nodes.sweep.graph.values import choose

    axis = read_values("text encoder", "clip_l + t5xxl : flux\nt5xxl", KNOWN.__getitem__)
    assert [choose(axis, 0, part).value for part in (1, 2)] == ["clip_l.safetensors", "sd3/t5xxl.safetensors"]
    assert choose(axis, 1, 1).value == "sd3/t5xxl.safetensors"
    with pytest.raises(ValueError, match=r"part: 'clip_l \+ t5xxl flux' has no text encoder 3, only 2"):
        choose(axis, 0, 3)


def test_a_name_in_two_folders_is_asked_for_with_its_folder():
    with pytest.raises(TextError, match=r"may be any of runA/epoch-10.safetensors, runB/epoch-10.safetensors\."):
        read_values("LoRA", "epoch-10", lambda kind: RUNS)


@settings(max_examples=TEXTS, deadline=None)
@given(st.sampled_from(KINDS), st.text(st.sampled_from("0123456789.,-+([])eul\n: "), max_size=30))
def test_any_text_reads_or_is_refused(kind: str, text: str):
    try:
        axis = read_values(kind, text, KNOWN.__getitem__)
    except TextError as error:
        position = error.position
    else:
        position = 0
        assert len(set(axis.values)) == len(axis) == len(axis.labels)
    assert 0 <= position <= len(text)
