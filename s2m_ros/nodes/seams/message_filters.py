"""message_filters as the pairing back-end (fusion.pairing.backend: message_filters).

It drops without saying why, so the default is our own ``Pairing``; this one is for sites that
have tuned the approximate-time policy for their sensors. It pairs one camera with one LiDAR.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from s2m_ros.config import ConfigError
from s2m_ros.config import Pairing as Settings
from s2m_ros.fusion.pairing import Pair
from s2m_ros.types import ObjectMasks, Sweep
from s2m_ros.wire.geometry import time as time_message

_QUEUE = 16


class MessageFiltersPairing:
    """The interface of ``Pairing`` over ApproximateTimeSynchronizer.

    Raises ConfigError without message_filters or with more than one camera.
    """

    def __init__(self, settings: Settings, cameras: Sequence[str], factory: Any) -> None:
        try:
            import message_filters
        except ImportError as error:
            raise ConfigError(
                "fusion.pairing.backend: 'message_filters' is not installed: "
                "install ros-$ROS_DISTRO-message-filters, or choose 'own'"
            ) from error
        if len(cameras) != 1:
            raise ConfigError(
                f"fusion.pairing.backend: 'message_filters' serves one camera, got {len(cameras)}: "
                "choose 'own'"
            )
        self._filters = message_filters
        self._settings = settings
        self._factory = factory
        self._drops: Counter[str] = Counter()
        self._pairs: list[Pair] = []
        self._waiting: dict[int, ObjectMasks] = {}
        self._connect()

    @property
    def drops(self) -> Mapping[str, int]:
        return dict(self._drops)

    def add_masks(self, masks: ObjectMasks) -> bool:
        newest = max(self._waiting, default=masks.stamp_ns)
        jumped = masks.stamp_ns < newest
        if jumped:
            self.flush()
        self._waiting[masks.stamp_ns] = masks
        self._masks.signalMessage(self._stamped(masks, masks.stamp_ns))
        return jumped

    def add_sweep(self, sweep: Sweep) -> bool:
        stamp = sweep.stamp_ns + round(self._settings.offset_ms * 1e6)
        self._sweeps.signalMessage(self._stamped(sweep, stamp))
        return False

    def poll(self, now_ns: int) -> list[Pair]:
        """The pairs made since, and the images whose time is over, alone."""
        late = now_ns - round(self._settings.timeout_ms * 1e6)
        for stamp in sorted(s for s in self._waiting if s <= late):
            self._drops["masks_without_sweep"] += 1
            reason = "message_filters found no sweep"
            self._pairs.append(Pair((self._waiting.pop(stamp),), None, reason))
        pairs, self._pairs = self._pairs, []
        return sorted(pairs, key=lambda pair: pair.stamp_ns)

    def drain(self) -> list[Pair]:
        newest = max(self._waiting, default=0)
        return self.poll(newest + round(self._settings.timeout_ms * 1e6))

    def adjust(self, settings: Settings) -> None:
        """Other limits from now on; what waits is lost and counted."""
        self._settings = settings
        self.flush()

    def flush(self) -> None:
        self._drops["time_jump"] += len(self._waiting) + len(self._pairs)
        self._waiting, self._pairs = {}, []
        self._connect()

    def _connect(self) -> None:
        self._masks, self._sweeps = self._filters.SimpleFilter(), self._filters.SimpleFilter()
        self._synchronizer = self._filters.ApproximateTimeSynchronizer(
            [self._masks, self._sweeps], _QUEUE, self._settings.max_difference_ms * 1e-3
        )
        self._synchronizer.registerCallback(self._paired)

    def _stamped(self, value: Any, stamp_ns: int) -> Any:
        stamp = time_message(self._factory, stamp_ns)
        return SimpleNamespace(header=SimpleNamespace(stamp=stamp), value=value)

    def _paired(self, masks: Any, sweep: Any) -> None:
        # Masks whose timeout has passed went on alone already.
        if self._waiting.pop(masks.value.stamp_ns, None) is not None:
            self._pairs.append(Pair((masks.value,), sweep.value))
