"""Every parser and stage on mutated input: a clear error or a valid result, in time and room.

``make fuzz N=100000`` is the long form; docs/reliability.md has its figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fuzzing.campaign import CRASH, ERROR, GOOD, HANG, MEMORY, VALID, bounded_memory, outcome, run
from fuzzing.targets import Target, targets
from hypothesis import strategies as st

from s2m_ros.types import InputError

EXAMPLES = 16


@pytest.fixture(scope="module", autouse=True)
def room() -> Iterator[None]:
    with bounded_memory():
        yield


@pytest.mark.parametrize("target", targets(), ids=lambda t: t.name)
def test_mutated_input_ends_in_a_clear_error_or_a_valid_result(target: Target) -> None:
    tally = run(target, max(4, round(EXAMPLES * target.weight)))
    assert tally.total >= 4
    assert set(tally.outcomes) <= set(GOOD), "\n".join(tally.bad.values())


def clear(value: Any) -> None:
    raise InputError("x", "y", "z")


def crash(value: Any) -> None:
    raise KeyError("x")


def hang(value: Any) -> None:
    while True:
        pass


def greed(value: Any) -> None:
    bytearray(1 << 36)


@pytest.mark.parametrize(
    ("read", "how"), [(id, VALID), (clear, ERROR), (crash, CRASH), (hang, HANG), (greed, MEMORY)]
)
def test_the_campaign_tells_every_end_from_the_others(
    read: Any, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fuzzing.campaign.LIMIT_S", 0.2)
    assert outcome(Target("x", st.none(), read), None)[0] == how
