"""What is made from the settings is up to date: `make docs` makes it."""

from __future__ import annotations

import configparser
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from s2m_ros.cli.machine import KERNEL
from s2m_ros.config import PROFILES, Config, ConfigError, leaves, load


@pytest.fixture(scope="module")
def parameters(repository: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("parameters", repository / "tools/parameters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_of_settings_is_up_to_date(parameters: ModuleType) -> None:
    assert parameters.TABLE.read_text() == parameters.table(), "run make docs"


def test_the_file_of_defaults_is_up_to_date(parameters: ModuleType) -> None:
    assert parameters.FILE.read_text() == parameters.file(), "run make docs"


def test_the_schema_and_the_topics_are_up_to_date(parameters: ModuleType) -> None:
    assert parameters.SCHEMA.read_text() == parameters.schema(), "run make docs"
    assert parameters.TOPICS.read_text() == parameters.topics(), "run make docs"
    assert parameters.POLICY.read_text() == parameters.policy(), "run make docs"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("fusion: {ground: {cell_m: 3}}", True),
        ("/**: {ros__parameters: {cameras: [front, left]}}", True),
        ("fusion: {ground: {cell_m: 99}}", False),
        ("fusion: {grund: {cell_m: 3}}", False),
        ("/**: {ros__parameters: {intake: {transport: smoke}}}", False),
    ],
)
def test_the_schema_accepts_what_the_settings_accept(
    parameters: ModuleType, text: str, good: bool, tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    tree = yaml.safe_load(text)
    validator = jsonschema.Draft202012Validator(json.loads(parameters.schema()))
    assert validator.is_valid(tree) == good
    (tmp_path / "settings.yaml").write_text(text)
    if good:
        load(tmp_path / "settings.yaml")
    else:
        with pytest.raises(ConfigError):
            load(tmp_path / "settings.yaml")


def test_the_file_of_defaults_fits_the_schema(parameters: ModuleType) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.validate(yaml.safe_load(parameters.file()), json.loads(parameters.schema()))


def test_the_file_of_defaults_reads_back_as_the_defaults(parameters: ModuleType) -> None:
    assert load(parameters.FILE) == Config()


def test_every_setting_has_its_row_and_its_meaning(parameters: ModuleType) -> None:
    rows = {line.split("|")[1].strip(): line for line in parameters.table().splitlines()
            if line.startswith("| `")}  # fmt: skip
    for name, _, info in leaves():
        assert info.description in rows[f"`{name}`"].replace("\\|", "|")
    assert len(rows) == len(list(leaves()))


def test_the_service_starts_what_is_there_and_ends_it_as_the_nodes_expect(
    repository: Path,
) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(repository / "launch" / "config" / "s2m.service")
    service = unit["Service"]
    words = service["ExecStart"].replace("'", "").split()
    (launched,) = [word for word in words if word.endswith(".launch.py")]
    (profile,) = [word.partition(":=")[2] for word in words if word.startswith("profile:=")]
    assert (repository / "launch" / launched).is_file()
    assert (PROFILES / f"{profile}.yaml").is_file()
    assert service["KillSignal"] == "SIGINT"
    assert service["Restart"] == "always"


def test_doctor_asks_for_the_kernel_settings_that_are_shipped(repository: Path) -> None:
    lines = (repository / "launch" / "config" / "60-s2m.conf").read_text().splitlines()
    shipped = dict(line.split("=") for line in lines if not line.startswith("#"))
    assert {name: int(value) for name, value in shipped.items()} == KERNEL
