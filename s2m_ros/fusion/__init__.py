"""Masks and LiDAR sweeps become objects in space."""
