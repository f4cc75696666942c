"""Integers of the messages as members of our enumerations."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TypeVar

from s2m_ros.types import InputError

Member = TypeVar("Member", bound=IntEnum)
Flags = TypeVar("Flags", bound=IntFlag)


def member(kind: type[Member], value: int, source: str) -> Member:
    """Raises InputError naming ``source`` for a number that has no meaning."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(f"{item.value} {item.name}" for item in kind)
        raise InputError(
            source,
            f"{kind.__name__} {value} is none of {known}",
            "build publisher and subscriber with the same s2m_msgs",
        ) from None


def flags(kind: type[Flags], value: int, source: str) -> Flags:
    """Raises InputError naming ``source`` when a bit has no meaning."""
    known = sum(item.value for item in kind if item.value.bit_count() == 1)
    if value & ~known:
        raise InputError(
            source,
            f"{kind.__name__} {value} has bits beyond {known}",
            "build publisher and subscriber with the same s2m_msgs",
        )
    return kind(value)
