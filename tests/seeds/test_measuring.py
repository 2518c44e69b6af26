"""The report and the benchmark of the seeds judge by what they measured, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch


@pytest.mark.parametrize("changed", ["weights", "torch", "threads", "steps"])
def test_a_report_keeps_no_rows_of_another_setting(
    comfy_session, changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from steer.tests.reports import seeds

    report = tmp_path / "seeds.md"
    row = "| `euler` | none | exact | 1e-06 | 0.02/255 | 0.02/255 |"
    report.write_text(f"`command`, 2026-01-01, {seeds.setting_of(256, 4)}, seeds 1.\n\n{row}\n", encoding="utf-8")
    assert seeds.read_lines(report, seeds.setting_of(256, 4)) == {"euler": row}
    if changed == "weights":
        monkeypatch.setattr(seeds, "weights_label", lambda names: "unet:00000000")
    elif changed == "torch":
        monkeypatch.setattr(torch, "__version__", "9.9.9")
    elif changed == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 77)
    with pytest.raises(ValueError, match="Leave --keep out to measure every row again"):
        seeds.read_lines(report, seeds.setting_of(256, 14 if changed == "steps" else 4))


@pytest.mark.parametrize(
    ("small", "large", "code"), [(float("nan"), float("nan"), 0), (100.0, 400.0, 0), (400.0, 100.0, 1)]
)
def test_the_benchmark_judges_memory_only_where_it_is_known(small: float, large: float, code: int):
    from steer.tests.bench import seeds

    stock, one, many = (
        seeds.Method(name, seconds=[1.0], peak_mb=[peak])
        for name, peak in (("stock", small), ("one", small), ("many", large))
    )
    assert seeds.report([stock, one, many], worst=0, gpu=False) == code
