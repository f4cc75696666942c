"""``s2m models list``: what there is, and what is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_model

from s2m_ros.cli.main import main
from s2m_ros.runtime.scorers import SCORERS


def listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main(["models", "list", "--models-dir", str(folder)])
    assert not end.value.code
    return capsys.readouterr().out


def test_models_and_scorers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toy_model.write(tmp_path / "toy")
    damaged = toy_model.write(tmp_path / "torn")
    (damaged / "encoder.onnx").write_bytes(b"x")
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main(["models", "list", "--models-dir", str(tmp_path)])
    assert not end.value.code
    shown = capsys.readouterr().out
    for name in (*SCORERS, "toy", "torn"):
        assert name in shown
    rows = {line.split()[1]: line for line in shown.splitlines() if line.startswith("│")}
    assert "2 intact" in rows["toy"]
    assert "expected" in rows["torn"]
