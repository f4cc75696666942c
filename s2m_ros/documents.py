"""Text files that people write, read as plain values within limits.

A file that is damaged, hostile or merely the wrong one must end in a word about it: not in a
recursion, a minute of work or gigabytes of repeated aliases.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader  # ten times as fast
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader  # type: ignore[assignment]

MAX_YAML_BYTES = 512 << 10
MAX_JSON_BYTES = 32 << 20
MAX_DEPTH = 100
MAX_NODES = 200_000
"""Values in a document, those that YAML aliases repeat counted each time."""


def read_yaml(path: Path) -> Any:
    """The values of a YAML file. Raises OSError, or ValueError with what is wrong."""
    return yaml_of(_text(path, MAX_YAML_BYTES))


def read_json(path: Path) -> Any:
    """The values of a JSON file. Raises OSError, or ValueError with what is wrong."""
    return _parsed(json.loads, _text(path, MAX_JSON_BYTES))


def yaml_of(text: str) -> Any:
    """The values of a YAML text, by the safe loader. Raises ValueError with what is wrong."""
    return _parsed(_yaml, text)


def _yaml(text: str) -> Any:
    depth = 0
    for event in yaml.parse(text, SafeLoader):  # composing recurses, by libyaml without a limit
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise ValueError("nested too deeply")
    return yaml.load(text, Loader=SafeLoader)


def _text(path: Path, most: int) -> str:
    size = path.stat().st_size
    if size > most:
        raise ValueError(f"{size} bytes, at most {most} are read")
    return path.read_bytes().decode("utf-8")


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        tree = parse(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except Exception as error:  # the constructors of PyYAML let errors of many kinds through
        raise ValueError(str(error) or type(error).__name__) from error
    _size(tree, {}, 0)
    return tree


def _size(tree: Any, known: dict[int, int], depth: int) -> int:
    """Number of values in a tree; the same list or mapping is counted once and added each time."""
    if not isinstance(tree, (dict, list, tuple, set)):
        return 1
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels, or an alias of itself")
    if id(tree) not in known:
        parts = tree.values() if isinstance(tree, dict) else tree
        known[id(tree)] = 1 + sum(_size(part, known, depth + 1) for part in parts)
    if known[id(tree)] > MAX_NODES:
        raise ValueError(f"more than {MAX_NODES} values")
    return known[id(tree)]
