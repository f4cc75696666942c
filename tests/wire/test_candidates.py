"""What perception weighed, as it goes to the audit store."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from stores import perceived, stamp
from values import factories, hazards

from s2m_ros.perception.calibration import RARITY_LIMIT, rarity
from s2m_ros.types import InputError, ScoreMap, Tracks
from s2m_ros.wire.candidates import (
    SCORE_STEPS,
    decode_candidates,
    decode_score,
    encode_candidates,
    encode_score,
    score_png,
)
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.masks import encode_runs, encode_runs_of
from s2m_ros.wire.tracks import decode_tracks, encode_tracks

FACTORY = RosbagsFactory()
PATCHES = st.lists(arrays(np.bool_, st.tuples(st.integers(0, 5), st.integers(0, 5))), max_size=6)
SCORES = arrays(np.float32, (3, 5), elements=st.floats(0, 1, width=32))


def again(data: bytes, kind: str) -> tuple[Any, bytes]:
    """What rosbags reads from the bytes, and the bytes that it makes of that."""
    message = FACTORY.typestore.deserialize_cdr(data, kind)
    return message, bytes(FACTORY.typestore.serialize_cdr(message, kind))


@given(PATCHES)
@settings(deadline=None)
def test_runs_of_many_are_the_runs_of_each(patches: list[Any]) -> None:
    found = encode_runs_of(patches)
    assert [runs.tolist() for runs in found] == [encode_runs(p).tolist() for p in patches]
    assert all(runs.dtype == np.uint32 for runs in found)


@pytest.mark.parametrize("name", ["odom", "o", ""])
def test_tracks_are_the_bytes_that_rosbags_makes(name: str) -> None:
    given_ = hazards(stamp(3))
    for ego in (given_.ego, None):
        items = tuple(h.track for h in given_.items) * 2
        made = Tracks(stamp(3), name, items, ego, reason="why" + name, deleted={"lost": 2})
        data = encode_tracks(made)
        message, same = again(data, "s2m_msgs/msg/TrackArray")
        assert data == same
        found = decode_tracks(message, "tracks")
        assert (len(found.items), found.deleted, found.frame_id) == (len(items), {"lost": 2}, name)
        assert (found.ego is None) == (ego is None)


def test_candidates_are_the_bytes_that_rosbags_makes() -> None:
    data = encode_candidates(perceived(stamp(3)))
    message, same = again(data, "s2m_msgs/msg/MaskCandidateArray")
    assert data == same
    assert len(decode_candidates(message, "candidates").verdicts) == 2


@pytest.mark.parametrize("factory", factories(), ids=lambda f: type(f).__name__)
@given(scores=SCORES)
@settings(deadline=None, max_examples=30)
def test_a_score_map_comes_back_in_steps(factory: Any, scores: Any) -> None:
    score = ScoreMap(scores, (20, 12), "learned")
    message = encode_score(factory, stamp(1), "optical", score)
    assert (message.encoding, message.width, message.height) == ("mono8", 5, 3)
    found = decode_score(message, (20, 12), "score", "learned")
    step = RARITY_LIMIT / SCORE_STEPS / 2
    assert np.abs(rarity(found.scores) - rarity(scores)).max() <= step + 0.05
    shown = cv2.imdecode(np.frombuffer(score_png(message, "score"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(shown.ravel(), np.frombuffer(message.data, np.uint8))


def test_the_png_of_an_older_store_is_read_too() -> None:
    grey = np.arange(15, dtype=np.uint8).reshape(3, 5) * 17
    _, png = cv2.imencode(".png", grey)
    kind = "sensor_msgs/msg/CompressedImage"
    message = FACTORY.make(kind, format="mono8; png compressed mono8", data=png)
    found = decode_score(message, (20, 12), "score")
    expected = grey * (RARITY_LIMIT / SCORE_STEPS)
    assert np.abs(rarity(found.scores) - expected).max() < 0.05  # float32 near 1
    assert score_png(message, "score") == bytes(png)
    message.data = message.data[:20]
    with pytest.raises(InputError, match="are no picture"):
        decode_score(message, (20, 12), "score")


def test_a_map_of_another_encoding_is_refused() -> None:
    message = encode_score(FACTORY, 1, "", ScoreMap(np.zeros((3, 5), np.float32), (5, 3), ""))
    message.encoding = "rgb8"
    with pytest.raises(InputError, match="mono8"):
        decode_score(message, (5, 3), "score")
