"""Files that people write: what is hostile or damaged ends in a word about it, soon."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.documents import MAX_DEPTH, MAX_YAML_BYTES, read_json, read_yaml, yaml_of

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{c}: &{c} [{', '.join([f'*{p}'] * 10)}]\n" for p, c in zip("abcdef", "bcdefg", strict=True)
)


@given(PLAIN)
def test_what_yaml_writes_is_read(tree: object) -> None:
    assert yaml_of(yaml.safe_dump(tree)) == tree


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "- " * 200_000, "{" * 100_000, "? " * 200_000, "[" * 101 + "]" * 101],
)
def test_deep_nesting_is_refused_before_anything_recurses(text: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        yaml_of(text)


def test_as_deep_as_allowed_is_read() -> None:
    tree = yaml_of("[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    assert isinstance(tree, list)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("&a [*a]", "an alias of itself"),
        ("a: b: c", "mapping values are not allowed"),
        ("!!python/object/apply:os.system ['true']", "could not determine a constructor"),
        (BOMB, "more than"),
    ],
)
def test_what_is_hostile_or_wrong_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        yaml_of(text)


def test_files_have_a_limit(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_YAML_BYTES + 1))
    with pytest.raises(ValueError, match=f"at most {MAX_YAML_BYTES} are read"):
        read_yaml(large)
    (tmp_path / "x.json").write_text("[" * 10_000)
    with pytest.raises(ValueError, match=r"nested|Expecting"):
        read_json(tmp_path / "x.json")
