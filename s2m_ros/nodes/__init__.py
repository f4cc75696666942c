"""Thin ROS adapters: parameters, topics, threads, health. One node per file, one process a node."""
