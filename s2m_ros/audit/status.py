"""How a long measurement says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Status = Callable[[str, float], None]
"""What is done, and the share of it that is done."""
