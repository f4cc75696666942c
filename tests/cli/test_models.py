"""``s2m models list``: what there is, and what is broken."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import toy_model

from s2m_ros.cli.main import main
from s2m_ros.runtime.scorers import SCORERS
from s2m_ros.runtime.session import offered


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


def test_a_dry_run_and_a_count_need_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    toy = toy_model.write(tmp_path / "toy")
    for command in (["build", str(toy), "--dry-run"], ["cost", str(toy), "--size", "320x192"]):
        with pytest.raises(SystemExit) as end:
            main(["models", *command])
        assert not end.value.code
    shown = capsys.readouterr().out
    assert shown.count("all taken") == 2
    assert "1x192x320x3" in shown
    assert "not measured" in shown


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["build"], "this ONNX Runtime has no TensorRT"),
        (["build", "--size", "wide"], "--size wide: expected WIDTHxHEIGHT"),
        (["build", "--precision", "int8"], "precision int8 needs calibration"),
        (["build", "--set", "perception.model.least_scale=0.5"], "an engine has one input size"),
    ],
)
def test_what_cannot_be_built_ends_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    if "TensorrtExecutionProvider" in offered() and arguments == ["build"]:
        pytest.skip("this ONNX Runtime has TensorRT")
    toy = toy_model.write(tmp_path / "toy")
    with pytest.raises(SystemExit) as end:
        main(["models", arguments[0], str(toy), *arguments[1:]])
    assert end.value.code == 2
    assert told in capsys.readouterr().err.replace("\n", " ")


def test_ranges_for_int8_are_measured_on_a_folder_of_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    toy = toy_model.write(tmp_path / "toy")
    footage = tmp_path / "footage"
    footage.mkdir()
    for i in range(3):
        picture = toy_model.scene([(20 + 30 * i, 40, 60 + 30 * i, 80)])
        cv2.imwrite(str(footage / f"{i}.png"), picture[..., ::-1])
    out = tmp_path / "out" / "int8.flatbuffers"
    with pytest.raises(SystemExit) as end:
        main(["models", "calibrate", str(footage), "--model", str(toy), "-o", str(out)])
    assert not end.value.code
    assert "3 frames at 160x96" in capsys.readouterr().out
    assert out.stat().st_size > 100
