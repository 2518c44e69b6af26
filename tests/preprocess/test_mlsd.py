"""M-LSD against the original ONNX graph and against controlnet_aux, and the lines it hands on."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from skimage.data import astronaut
from steer.preprocessors.lines import bands
from steer.preprocessors.lines.draw import draw_lines
from steer.preprocessors.lines.mlsd import (
    Lines,
    choose_detect_size,
    decode,
    find_lsd_lines,
    find_mlsd_lines,
    load_mlsd,
    to_input,
)
from steer.preprocessors.lines.mlsd_net import MLSDNet, fold_norm
from steer.preprocessors.lines.winograd import is_worthwhile

DATA = Path(__file__).resolve().parent / "data" / "mlsd"
PICTURES = ["astronaut", "china", *(f"room{n}" for n in range(10))]


@pytest.fixture(scope="session")
def net() -> MLSDNet:
    return load_mlsd()


@pytest.fixture(scope="session")
def reference() -> dict[str, np.ndarray]:
    with np.load(DATA / "lines.npz") as file:
        return dict(file)


def picture(name: str) -> np.ndarray:
    return astronaut() if name == "astronaut" else cv2.imread(str(DATA / f"{name}.png"))[..., ::-1]


@pytest.fixture(params=[1, 2, 8], ids=["one thread", "two threads", "eight threads"])
def threads(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """torch's threads: with few the convolutions go Winograd's way (winograd.is_worthwhile), else the plain one."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.slow
@pytest.mark.parametrize("name", PICTURES)
def test_lines_equal_the_original_graphs(net: MLSDNet, reference: dict[str, np.ndarray], threads: int, name: str):
    expected = reference[name]
    assert is_worthwhile(torch.zeros(1, 64, 256, 256), torch.zeros(64, 64, 3, 3)) == (threads < 8)
    with torch.inference_mode():
        output = net(to_input(picture(name)))[0]
    for distance in (0.1, 20.0):
        segments, scores = decode(output, 0.1, distance)
        ends = expected[:, :4].astype(np.float64)
        long = np.hypot(ends[:, 0] - ends[:, 2], ends[:, 1] - ends[:, 3]) > 2 * distance
        assert len(segments) == long.sum() > 10
        # the order among nearly equal scores may differ: match each line with the nearest
        apart = np.abs(ends[long][:, None] - segments[None]).max(-1)
        nearest = apart.argmin(1)
        assert sorted(nearest) == list(range(long.sum()))
        assert apart.min(1).max() < 0.5
        assert np.abs(scores[nearest] - expected[long][:, 4]).max() < 1e-3


def test_the_whole_way_equals_the_original_graph(net: MLSDNet, reference: dict[str, np.ndarray]):
    found = find_mlsd_lines(net, picture("room3"))
    assert len(found.segments) == len(reference["room3"])
    assert np.abs(found.segments - reference["room3"][:, :4])[:20].max() < 0.5


def stock_network(seed: int) -> torch.nn.Module:
    from controlnet_aux.mlsd.models.mbv2_mlsd_large import MobileV2_MLSD_Large

    torch.manual_seed(seed)
    stock = MobileV2_MLSD_Large().eval()
    for layer in stock.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias, 0, 0.1)
    with torch.no_grad():  # logits and displacements of a natural size
        maps = stock(to_input(astronaut()[:128, :128]))
        mean, scale = maps.mean((0, 2, 3)), 6 / maps.std((0, 2, 3))
        last = stock.block23.conv3
        last.weight[7:] *= scale[:, None, None, None]
        last.bias[7:] = (last.bias[7:] - mean) * scale
    return stock


def test_controlnet_aux_checkpoints_give_the_same_maps():
    stock = stock_network(0)
    own = MLSDNet(enlarge_first=False)
    own.load_state_dict(fold_norm(stock.state_dict()))
    x = to_input(astronaut()[:192, :256])
    with torch.no_grad():
        expected = stock(x)[:, :5]
        found = own.eval()(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize("enlarge_first", [True, False])
def test_bands_do_not_show(net: MLSDNet, enlarge_first: bool, monkeypatch: pytest.MonkeyPatch):
    own = MLSDNet(enlarge_first)
    own.load_state_dict(net.state_dict())
    x = to_input(astronaut()[:208, :160])
    maps = []
    for size in (1 << 40, 0):  # one band, bands of 16 rows and one of 8
        monkeypatch.setattr(bands, "_BAND", size)
        with torch.no_grad():
            maps.append(own(x))
    assert (maps[0] - maps[1]).abs().max() < 1e-5 * maps[0].abs().max()


def test_bands_on_threads_of_their_own_give_the_same_maps(net: MLSDNet):
    """As ComfyUI runs a node: in inference mode, with a thread for each core. That number stays as it was."""
    x, before = to_input(astronaut()[:, :288]), torch.get_num_threads()
    maps, seen = [], []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            with torch.inference_mode():
                maps.append(net(x))
            seen.append(torch.get_num_threads())
        others = [list(bands._pool(3).map(lambda _: torch.get_num_threads(), range(6))), torch.get_num_threads()]
    finally:
        torch.set_num_threads(before)
    assert seen == [1, 2, 3]
    assert others == [[1] * 6, 3]
    for other in maps[1:]:
        assert float((other - maps[0]).abs().max()) < 1e-3 * float(maps[0].abs().max())


def test_what_goes_wrong_in_a_band_is_raised(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    with torch.inference_mode(), pytest.raises(ZeroDivisionError):
        bands.run_in_bands(torch.zeros(1, 4, 64, 64), 1, lambda *rows: 1 // 0)


def test_decoding_equals_controlnet_auxs_pred_lines():
    from controlnet_aux.mlsd.utils import pred_lines

    counts = set()
    for seed, (height, width) in enumerate([(128, 128), (192, 256), (320, 192)]):
        stock = stock_network(seed)
        pixels = np.ascontiguousarray(astronaut()[:height, :width])
        with torch.no_grad():
            output = stock(to_input(pixels))[0]
            for score, distance in ((0.1, 0.1), (0.1, 12.0), (0.6, 5.0)):
                expected = pred_lines(pixels, stock, [height, width], score, distance)
                segments, _ = decode(output, score, distance)
                assert np.array_equal(segments, expected)
                counts.add(len(expected))
    assert len(counts) > 2
    assert max(counts) <= 200


def test_a_map_without_lines_gives_none():
    nothing = torch.full((5, 8, 8), -20.0)
    segments, scores = decode(nothing, 0.1, 0.1)
    assert segments.shape == (0, 4)
    assert scores.shape == (0,)


@pytest.mark.parametrize(
    ("score", "distance", "words"),
    [
        (0.1, 200.0, r"the longest of \d+ measures \d+\.\d, and distance_threshold is 200\. Lower it"),
        (1.0, 0.1, r"the best score is 0\.\d*[1-9]\d*, and score_threshold is 1\. Lower it"),
        (1.0, 200.0, r"the best score is 0\.\d*[1-9]\d*, and score_threshold is 1\. Lower it"),
    ],
)
def test_the_reason_for_no_line_is_the_true_one(net: MLSDNet, score: float, distance: float, words: str):
    found = find_mlsd_lines(net, picture("room3"), score, distance, resolution=192)
    assert len(found.segments) == 0
    assert re.match(f"no lines: {words}", found.note), found.note


def test_lines_are_drawn_at_the_output_size_not_scaled():
    lines = Lines(np.array([[2.0, 2.0, 10.0, 2.0]]), np.ones(1), (16, 16)).scale_to(64, 128)
    assert lines.segments.tolist() == [[16.0, 8.0, 80.0, 8.0]]
    hint = draw_lines(lines.segments, 64, 128)
    assert hint[8, 16:81].all()
    assert hint.sum() == 65 * 3 * 255


@pytest.mark.parametrize("size", [(1, 1), (64, 8192), (8192, 64), (37, 513)])
def test_any_size(net: MLSDNet, size: tuple[int, int]):
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[size[0] // 2 :] = 255
    found = find_mlsd_lines(net, pixels, resolution=64)
    assert found.size == size
    assert np.isfinite(found.segments).all()
    assert all(side % 32 == 0 and 32 <= side <= 4096 for side in choose_detect_size(*size, 64))


def test_a_dense_picture_keeps_the_best_200(net: MLSDNet):
    rng = np.random.default_rng(0)
    crowd = draw_lines(rng.uniform(0, 512, (4000, 4)), 512, 512)
    found = find_mlsd_lines(net, crowd, score=0.01)
    assert 1 <= len(found.segments) <= 200


def test_the_weightless_detector_finds_a_drawn_square():
    pixels = np.zeros((256, 256, 3), np.uint8)
    cv2.rectangle(pixels, (60, 60), (200, 180), (255, 255, 255), -1)
    found = find_lsd_lines(pixels, distance=20, resolution=256)
    corners = np.array([[60, 60], [200, 60], [60, 180], [200, 180]])
    ends = found.segments.reshape(-1, 2)
    assert 4 <= len(found.segments) <= 8
    assert all(np.abs(ends - corner).max(-1).min() < 4 for corner in corners)
    assert find_lsd_lines(np.zeros((64, 64, 3), np.uint8)).segments.shape == (0, 4)


def test_a_gradient_goes_through_the_network(net: MLSDNet):
    """As the training of the embedded model's decoder needs it: the slope along a direction is the difference there."""
    double = copy.deepcopy(net).double()
    x = to_input(picture("room0"))[..., :64, :64].double().requires_grad_()
    output = double(x)
    (slope,) = torch.autograd.grad(output.sum(), x)
    step = 1e-7 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0), dtype=x.dtype)
    with torch.inference_mode():
        assert torch.allclose(double(x), output)
        change = float((double(x + step) - double(x - step)).sum())
    assert change == pytest.approx(float((2 * slope * step).sum()), rel=1e-3)
