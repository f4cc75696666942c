"""The newest messages wait, the others are counted."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.nodes.inbox import Inbox


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 99)), max_size=30))
def test_what_waits_is_the_newest_of_each_key_in_order(puts: list[tuple[str, int]]) -> None:
    capacity = {"a": 1, "b": 3}
    inbox = Inbox()
    for key, value in puts:
        inbox.put(key, value, capacity[key])
    got = []
    while (item := inbox.get(0.0)) is not None:
        got.append((item.key, item.message))
    for key, limit in capacity.items():
        sent = [value for k, value in puts if k == key]
        assert [value for k, value in got if k == key] == sent[-limit:]
        assert inbox.dropped[key] == max(0, len(sent) - limit)


def test_flush_counts_and_close_releases_a_waiting_reader() -> None:
    inbox = Inbox()
    inbox.put("a", 1)
    inbox.flush()
    assert inbox.dropped["a"] == 1
    got: list[object] = []
    reader = threading.Thread(target=lambda: got.append(inbox.get(60.0)))
    reader.start()
    inbox.close()
    reader.join(10.0)
    assert got == [None]
    assert inbox.closed
