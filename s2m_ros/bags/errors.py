"""What can be wrong with a bag."""

from __future__ import annotations

from s2m_ros.types import InputError


class BagError(InputError):
    """A bag that cannot be read or written. The message names it, the problem and the remedy."""
