"""Settings: profiles by name, files by path, and messages that name what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.config import PROFILES, ConfigError, load


def test_every_profile_is_valid_and_small_is_smaller() -> None:
    names = [path.stem for path in PROFILES.glob("*.yaml")]
    assert "small" in names
    for name in names:
        load(Path(name))
    assert load(Path("small")).perception.model.width == 640
    assert load(Path("small"), {"perception.model.width": 512}).perception.model.width == 512


def test_a_file_outweighs_a_profile_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small").write_text("perception: {scorer: msp}")
    settings = load(Path("small"))
    assert settings.perception.scorer == "msp"
    assert settings.perception.model.width == load().perception.model.width


def test_an_unknown_name_names_the_profiles() -> None:
    with pytest.raises(ConfigError, match=r"huge: no such file, and no profile: .*small"):
        load(Path("huge"))
