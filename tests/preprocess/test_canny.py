"""Canny as a function: equal to cv2.Canny in every pixel, sane automatic thresholds, plain errors."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data
from steer.preprocessors.canny import canny, choose_thresholds, describe_thresholds, find_otsu_threshold
from steer.preprocessors.choices import MAX_GRADIENT
from steer.preprocessors.pictures import resize, scale_size, to_bytes

PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket", "camera", "coins")


def as_image(pictures: np.ndarray) -> torch.Tensor:
    """Bytes [B, H, W, C] -> IMAGE, as ComfyUI's Load Image does it."""
    return torch.from_numpy(pictures.astype(np.float32) / 255.0)


def as_hint(edges: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.repeat((edges == 255).astype(np.float32)[..., None], 3, axis=-1))


def photograph(name: str) -> np.ndarray:
    picture = getattr(data, name)()
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=-1)


def drawing(contrast: float = 1.0) -> np.ndarray:
    """Flat colours and hard lines; the faintest line is 40 levels darker than its ground, the boldest 190."""
    picture = np.full((256, 256, 3), 230, np.uint8)
    cv2.circle(picture, (128, 128), 80, (40, 40, 90), -1)
    cv2.rectangle(picture, (100, 100), (150, 150), (250, 220, 60), -1)
    cv2.line(picture, (10, 10), (10, 240), (190, 190, 190), 3)
    return np.rint(picture * contrast).astype(np.uint8)


def gradient_sizes(picture: np.ndarray) -> np.ndarray:
    """|dx| + |dy| of bytes [H, W, 3], the largest of the three channels."""
    slopes = [cv2.spatialGradient(c, borderType=cv2.BORDER_REPLICATE) for c in cv2.split(picture)]
    return np.max([np.abs(dx) + np.abs(dy) for dx, dy in slopes], axis=0)


@st.composite
def pictures(draw: st.DrawFn) -> np.ndarray:
    """Noise of random size, channels and coarseness: few levels give many ties, blur gives long edges."""
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    count, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noise = rng.integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    levels, blur = draw(st.sampled_from([1, 32, 127])), draw(st.sampled_from([0.0, 1.0, 2.5]))
    noise = noise // levels * levels
    if blur:
        noise = np.stack([cv2.GaussianBlur(p, (0, 0), blur).reshape(p.shape) for p in noise])
    return noise


@settings(max_examples=300, deadline=None)
@given(pictures(), st.integers(0, MAX_GRADIENT), st.integers(0, MAX_GRADIENT), st.sampled_from([1, 2]))
def test_every_pixel_equals_cv2(batch: np.ndarray, first: int, second: int, workers: int):
    low, high = sorted((first, second))
    expected = np.stack([cv2.Canny(picture, low, high) for picture in batch])
    result = canny(as_image(batch), low, high, workers=workers)
    assert torch.equal(result.hint, as_hint(expected))
    assert result.thresholds == [(low, high)] * len(batch)


@pytest.mark.parametrize("threads", [1, 2])
def test_photographs_equal_cv2_whatever_its_thread_setting(threads: int):
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        for name in PHOTOGRAPHS:
            picture = photograph(name)
            for low, high in ((100, 200), (20, 60), (0, 0), (300, 700)):
                hint = canny(as_image(picture[None]), low, high).hint
                assert torch.equal(hint[0], as_hint(cv2.Canny(picture, low, high))), (name, low, high)
        assert cv2.getNumThreads() == threads
    finally:
        cv2.setNumThreads(before)


def test_no_gradient_is_larger_than_the_widgets_allow():
    steepest = np.array([[0, 0, 0], [0, 0, 255], [0, 255, 255]], np.uint8)
    assert gradient_sizes(np.repeat(steepest[..., None], 3, -1)).max() == MAX_GRADIENT
    noise = np.random.default_rng(0).choice(np.array([0, 255], np.uint8), (512, 512, 3))
    assert gradient_sizes(noise).max() == MAX_GRADIENT
    assert not canny(as_image(noise[None]), MAX_GRADIENT, MAX_GRADIENT).hint.any()


def test_a_batch_gives_what_its_pictures_give_alone():
    batch = np.stack([photograph(name)[:300, :380] for name in PHOTOGRAPHS if photograph(name).shape[1] >= 380])
    images = as_image(batch)
    together = canny(images, auto=True, workers=3)
    for index in range(len(batch)):
        alone = canny(images[index : index + 1], auto=True)
        assert torch.equal(together.hint[index], alone.hint[0])
        assert together.thresholds[index] == alone.thresholds[0]


def test_a_loaded_png_gives_back_its_bytes():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    assert np.array_equal(to_bytes(as_image(ramp).numpy()), ramp[..., 0])
    picture = photograph("coffee")
    assert np.array_equal(to_bytes(as_image(picture).numpy()), picture)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(-3, 3, width=32), min_size=1, max_size=40))
def test_bytes_are_the_nearest_after_clipping(values: list[float]):
    row = np.array(values, np.float32).reshape(1, -1, 1)
    exact = np.clip(row[..., 0].astype(np.float64), 0, 1) * 255
    assert np.abs(to_bytes(row) - exact).max() <= 0.5 + 1e-4


def test_transparent_pictures_lie_on_white_as_in_controlnet_aux():
    from controlnet_aux.util import HWC3

    rng = np.random.default_rng(3)
    rgba = rng.integers(0, 256, (40, 50, 4), dtype=np.uint8)
    rgba[:10, :, 3], rgba[10:20, :, 3] = 0, 255
    ours, theirs = to_bytes(as_image(rgba).numpy()), HWC3(rgba)
    assert np.abs(ours.astype(int) - theirs).max() <= 1  # theirs cuts the fraction off
    assert np.array_equal(ours[:20], theirs[:20])
    hint = canny(as_image(rgba[None])).hint[0]
    assert torch.equal(hint, as_hint(cv2.Canny(ours, 100, 200)))


@pytest.mark.parametrize("resolution", [64, 200, 512, 768])
@pytest.mark.parametrize("shape", [(512, 512), (300, 451), (451, 300)])
def test_resolution_sets_the_short_side_and_resizes_before_the_edges(resolution: int, shape: tuple[int, int]):
    picture = photograph("astronaut")[: shape[0], : shape[1]]
    hint = canny(as_image(picture[None]), resolution=resolution).hint[0]
    assert min(hint.shape[:2]) == resolution
    scale = resolution / min(shape)
    assert abs(max(hint.shape[:2]) - max(shape) * scale) <= 0.5
    method = cv2.INTER_LANCZOS4 if scale > 1 else cv2.INTER_AREA
    small = cv2.resize(picture, (hint.shape[1], hint.shape[0]), interpolation=method)
    assert torch.equal(hint, as_hint(cv2.Canny(small, 100, 200)))


def test_resolution_equals_controlnet_aux_where_its_rounding_to_64_changes_nothing():
    from controlnet_aux import CannyDetector
    from controlnet_aux.util import resize_image

    picture = photograph("coffee")[:, :400]
    assert np.array_equal(resize(picture, scale_size(400, 400, 512)), resize_image(picture, 512))
    theirs = CannyDetector()(picture, detect_resolution=512, image_resolution=512)
    assert torch.equal(canny(as_image(picture[None]), resolution=512).hint[0], torch.from_numpy(theirs / 255).float())


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("auto", [False, True])
def test_tiny_pictures(size: tuple[int, int], auto: bool):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    result = canny(as_image(picture[None]), auto=auto)
    assert torch.equal(result.hint[0], as_hint(cv2.Canny(picture, *result.thresholds[0])))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_float_types_and_memory_layouts(dtype: torch.dtype):
    images = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(1)).to(dtype)
    turned = images.movedim(1, -1)
    assert torch.equal(canny(turned).hint, canny(turned.float().contiguous()).hint)


# Automatic thresholds


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("contrast", [1.0, 0.6, 0.3])
def test_auto_draws_a_sane_share_of_a_photograph_in_any_light(name: str, contrast: float):
    dim = np.rint(photograph(name) * contrast).astype(np.uint8)
    result = canny(as_image(dim[None]), auto=True)
    (low, high) = result.thresholds[0]
    assert 20 <= high <= MAX_GRADIENT
    assert low == high // 2
    assert 0.04 < result.hint.mean() < 0.2, (name, contrast, low, high)
    assert torch.equal(result.hint, canny(as_image(dim[None]), low, high).hint), "typing them in repeats the hint"


@pytest.mark.parametrize("contrast", [1.0, 0.5])
def test_auto_keeps_the_faint_lines_of_a_drawing(contrast: float):
    hint = canny(as_image(drawing(contrast)[None]), auto=True).hint[0, ..., 0]
    assert hint[30:220, 5:16].any(dim=1).all(), "the faint vertical line is whole"
    assert 0.01 < hint.mean() < 0.05
    strict = find_otsu_threshold(np.bincount(gradient_sizes(drawing(contrast)).ravel()))
    assert not canny(as_image(drawing(contrast)[None]), strict // 2, strict).hint[0, 30:220, 5:16].any(), "Otsu alone"


def test_auto_finds_the_picture_in_noise():
    rng = np.random.default_rng(0)
    noisy = np.clip(photograph("astronaut") + rng.normal(0, 20, (512, 512, 3)), 0, 255).astype(np.uint8)
    assert canny(as_image(noisy[None])).hint.mean() > 0.25, "100/200 drowns"
    assert canny(as_image(noisy[None]), auto=True).hint.mean() < 0.15


def test_auto_leaves_flat_and_smooth_pictures_black():
    ramp = np.repeat(np.linspace(0, 255, 512).astype(np.uint8)[None, :, None], 64, axis=0)
    grain = np.random.default_rng(0).integers(99, 102, (64, 512, 1), dtype=np.uint8)
    flat = np.full((64, 512, 1), 90, np.uint8)
    assert not canny(as_image(np.stack([ramp, grain, flat])), auto=True).hint.any()


def test_otsu_equals_opencv():
    rng = np.random.default_rng(5)
    for _ in range(20):
        values = np.clip(np.append(rng.normal(60, 15, 900), rng.normal(180, 20, 300)), 0, 255).astype(np.uint8)
        expected, _ = cv2.threshold(values, 0, 255, cv2.THRESH_OTSU)
        assert find_otsu_threshold(np.bincount(values, minlength=256)) == expected
    assert find_otsu_threshold(np.bincount([7] * 10, minlength=256)) == 0


@pytest.mark.parametrize(
    ("sizes", "shares", "thresholds"),
    [
        ([0, 300, 900], [700, 200, 100], (50, 100)),  # a drawing: a third of Otsu's 300
        ([0, 25, 300, 900], [300, 400, 200, 100], (100, 200)),  # a little texture: 8 medians
        ([60, 300, 900], [700, 200, 100], (150, 300)),  # much texture: Otsu's
        ([0, 4], [700, 300], (10, 20)),  # grain: the least
    ],
)
def test_auto_rule(sizes: list[int], shares: list[int], thresholds: tuple[int, int]):
    assert choose_thresholds(np.repeat(sizes, shares).astype(np.int16).reshape(10, -1)) == thresholds


# Errors, progress


BAD = {
    "empty batch": (torch.zeros(0, 8, 8, 3), {}, "image: the batch is empty"),
    "no height": (torch.zeros(1, 0, 8, 3), {}, "image: the batch is empty"),
    "two channels": (torch.zeros(1, 8, 8, 2), {}, "image: 2 channels"),
    "no channels": (torch.zeros(1, 8, 8, 0), {}, "image: 0 channels"),
    "no batch axis": (torch.zeros(8, 8, 3), {}, "image: expected pictures"),
    "whole numbers": (torch.zeros(1, 8, 8, 3, dtype=torch.uint8), {}, "image: expected pictures"),
    "NaN": (torch.full((1, 8, 8, 3), torch.nan), {}, "image: picture 1 has pixels that are NaN"),
    "infinite": (torch.full((1, 8, 8, 1), torch.inf), {}, "image: picture 1 has pixels that are NaN"),
    "minus infinity": (torch.full((1, 8, 8, 4), -torch.inf), {}, "image: picture 1 has pixels that are NaN"),
    "swapped": (torch.zeros(1, 8, 8, 3), {"low": 201, "high": 200}, "low_threshold: 201 is above high_threshold 200"),
    "too large": (torch.zeros(1, 2, 400, 3), {"resolution": 512}, "resolution: a short side of 512"),
    "negative": (torch.zeros(1, 8, 8, 3), {"resolution": -8}, "resolution: a short side of -8"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str):
    images, options, message = BAD[case]
    with pytest.raises(ValueError) as caught:
        canny(images, **options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_one_broken_pixel_is_found_and_its_picture_named(value: float):
    images = torch.rand(5, 30, 30, 3)
    images[3, 17, 11, 1] = value
    with pytest.raises(ValueError, match="picture 4 has"):
        canny(images, workers=2)


def test_values_outside_the_range_are_clipped():
    images = torch.randn(1, 40, 40, 3, generator=torch.Generator().manual_seed(0))
    images[0, ::7, ::5] *= 1e12
    for case in (images, images.abs()):
        assert torch.equal(canny(case).hint, canny(case.clamp(0, 1)).hint)
    assert torch.equal(canny(-images.abs()).hint, torch.zeros(1, 40, 40, 3))


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_comes_in_the_callers_thread_and_may_stop_the_work(workers: int):
    calls: list[int] = []

    def stop_at_third() -> None:
        calls.append(threading.get_ident())
        if len(calls) == 3:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        canny(torch.rand(60, 64, 64, 3), workers=workers, on_frame=stop_at_third)
    assert calls == [threading.get_ident()] * 3
    assert threading.active_count() == before


def test_thresholds_as_text():
    assert describe_thresholds([(100, 200), (100, 200)]) == "low 100, high 200"
    assert describe_thresholds([(10, 20), (30, 60)]) == "picture 1: low 10, high 20\npicture 2: low 30, high 60"
