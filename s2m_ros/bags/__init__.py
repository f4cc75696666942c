"""Recorded drives: read any rosbag2, write one that other tools open, convert public data."""

from s2m_ros.bags.errors import BagError
from s2m_ros.bags.reader import BagReader, Message, Topic
from s2m_ros.bags.topics import TopicMap, load_topics
from s2m_ros.bags.writer import BagWriter
from s2m_ros.wire.factory import load_typestore

__all__ = [
    "BagError",
    "BagReader",
    "BagWriter",
    "Message",
    "Topic",
    "TopicMap",
    "load_topics",
    "load_typestore",
]
