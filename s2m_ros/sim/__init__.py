"""The apron scene: camera and LiDAR by one ray tracer, with ground truth."""

from s2m_ros.sim.random_scene import render_random

__all__ = ["render_random"]
