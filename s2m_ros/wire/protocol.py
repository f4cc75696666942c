"""Where messages come from: codecs name a message type and its fields, a factory makes it.

The codecs of this package run on rclpy messages in the nodes and on rosbags messages offline.
Both offer the same attributes; only their construction differs, and this is its seam.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class MessageFactory(Protocol):
    """Makes messages of one ROS implementation."""

    def make(self, type_name: str, /, **fields: Any) -> Any:
        """A message of ``type_name`` ('std_msgs/msg/Header'); fields not given keep defaults.

        Sequences and arrays of numbers may be numpy arrays of the field's own dtype or lists.
        Raises TypeError for a field that the type does not have.
        """
        ...

    def rows(
        self, type_name: str, names: tuple[str, ...], values: NDArray[np.floating]
    ) -> list[Any]:
        """A message of floats for each row (K, n) of values, its fields ``names`` (n)."""
        ...
