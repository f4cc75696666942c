"""Names of topics: those this package uses, and how another's bag maps to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from s2m_ros.bags.errors import BagError
from s2m_ros.documents import read_yaml

TopicMap = Mapping[str, str]
"""Our name of a topic -> its name in the bag."""


def absolute(name: str) -> str:
    """'points' and '/points' are the same topic; bags hold the second form."""
    return "/" + name.strip("/")


def load_topics(path: Path) -> dict[str, str]:
    """Read a topic map: a YAML mapping of our names to the bag's names.

    Raises BagError for anything else.
    """
    remedy = "write one line a topic, as in `camera/front/image_raw: /cam0/image`"
    try:
        mapping = read_yaml(path)
    except (OSError, ValueError) as error:
        raise BagError(str(path), f"not a readable YAML file ({error})", remedy) from error
    if not isinstance(mapping, dict) or not all(
        isinstance(name, str) and isinstance(theirs, str) for name, theirs in mapping.items()
    ):
        raise BagError(str(path), "not a mapping of topic names to topic names", remedy)
    return {absolute(ours): absolute(theirs) for ours, theirs in mapping.items()}
