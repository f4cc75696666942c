"""The arithmetic of the benchmarks: growth, ratios, and that peers do the same work as ours."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from s2m_ros.evaluation.component import LabelComponents

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folders of the benchmarks on the path, and gone afterwards with what they brought."""
    before = set(sys.modules)
    for folder in ("", "peers", "scaling"):
        monkeypatch.syspath_prepend(TOOLS / folder)
    yield
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(TOOLS)):
            del sys.modules[name]


def _load(name: str) -> ModuleType:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return importlib.import_module(name)


@pytest.mark.parametrize(("power", "worse"), [(0.3, False), (1.0, False), (1.7, True), (2.0, True)])
def test_growth_is_told_from_n_log_n(tools: None, power: float, worse: bool) -> None:
    sizes = np.array([10, 25, 50, 100, 200])
    fit = _load("growth").fit(sizes, 1e-6 * sizes**power)
    assert fit.power == pytest.approx(power)
    assert fit.worse == worse
    loglinear = _load("growth").fit(sizes, 1e-6 * sizes * np.log(sizes))
    assert not loglinear.worse


def test_what_every_call_costs_does_not_hide_growth(tools: None) -> None:
    sizes = np.array([0, 10, 25, 50, 100, 200])
    assert _load("growth").fit(sizes, 5e-3 + 1e-5 * sizes**2.5).worse


def test_a_stage_is_slower_when_both_ratios_say_so(tools: None) -> None:
    ratio = _load("check").Ratio
    reference = ratio(2.0, 2.2)
    assert ratio(3.0, 2.2).over(reference) == pytest.approx(1.0), "a busy machine alone"
    assert ratio(3.0, 3.3).over(reference) == pytest.approx(1.5)


def test_a_loop_over_components_gives_what_the_contingency_table_gives(tools: None) -> None:
    components = _load("components")
    truth, found, ignored = (part[::4, ::4] for part in components.frame(seed=3))
    table = LabelComponents(truth, ignored).compare(found)
    siou, ppv = components.by_loops(truth, found, ignored)
    assert len(siou) > 10
    np.testing.assert_allclose(table.siou, siou)
    np.testing.assert_allclose(table.ppv, ppv)


def test_approximate_time_makes_the_same_pairs(tools: None) -> None:
    pairing = _load("pairing")
    arrivals = pairing.stream(seed=5)[:200]
    pairs = pairing.theirs(arrivals)
    assert len(pairs) > 90
    assert sorted(pairs) == sorted(pairing.ours(arrivals))[: len(pairs)]


def test_the_parts_of_a_path_add_up(tools: None) -> None:
    measuring = _load("measuring")
    rows = [
        measuring.Row("work", "part", wall_s=s, processor_s=s) for s in ((3.0, 1.0), (5.0, 4.0))
    ]
    whole = measuring.combined("work", "all", "", (rows[0], 1), (rows[1], 2))
    assert whole.least_s == 1 + 2 * 4
    assert whole.median_s == pytest.approx((9 + 13) / 2)


def test_layers_of_the_default_model_are_told_by_kind(
    tools: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino", reason="the intel extra is not installed")
    monkeypatch.setattr(sys, "argv", ["layers.py", "--size", "64x64", "--boxes=2", "--rounds=1"])
    _load("layers").main()
    told = capsys.readouterr().out
    for part in ("encoder", "decoder"):
        assert f", {part}: " in told
    assert "x Convolution " in told
