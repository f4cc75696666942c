"""s2m_ros: find every unknown object on an airport apron, place it, track it, judge it."""

__version__ = "0.1.0"
