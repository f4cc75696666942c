"""The audit store: what every stage saw, weighed and decided, in MCAP files of a folder.

``docs/audit.md`` describes the format.
"""

from .reader import Store
from .writer import StoreWriter

__all__ = ["Store", "StoreWriter"]
