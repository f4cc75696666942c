"""Between the thread that receives and the one that works: the newest messages of each topic."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Item:
    """A message that waits. key: its topic."""

    key: str
    message: Any


class Inbox:
    """First in, first out, but of each key at most its capacity waits: the oldest gives way.

    dropped counts what gave way, by key.
    """

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.dropped: Counter[str] = Counter()

    def put(self, key: str, message: Any, capacity: int = 1) -> None:
        with self._changed:
            waiting = [item for item in self._items if item.key == key]
            if len(waiting) >= capacity:
                self._items.remove(waiting[0])
                self.dropped[key] += 1
            self._items.append(Item(key, message))
            self._changed.notify()

    def get(self, timeout_s: float) -> Item | None:
        """The next item, or None after the timeout or when closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            return self._items.popleft() if self._items and not self._closed else None

    def flush(self, keep: str = "") -> None:
        """Drop all that waits, but for one key, and count it."""
        with self._changed:
            kept = [item for item in self._items if item.key == keep]
            self.dropped.update(item.key for item in self._items if item.key != keep)
            self._items = deque(kept)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed
