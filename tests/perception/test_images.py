"""Image files and pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.perception.images import at_image_size, coco_counts, expand, instances, read_rgb, write
from s2m_ros.perception.overlay import draw
from s2m_ros.types import InputError, ObjectMask, ObjectMasks, Prompt, ScoreMap, State


def one(bits: np.ndarray, x: int, y: int, id: int = 1) -> ObjectMask:
    box = np.float32([x, y, x + bits.shape[1], y + bits.shape[0]]) * 2
    nothing = np.zeros((0, 2), np.float32)
    prompt = Prompt(box, nothing, np.zeros(0, np.float32), 0.0, 0.0)
    return ObjectMask(id, x, y, bits, box, 0.9, 0.9, 1.0, 0.8, 0.7, prompt)


def masks(*items: ObjectMask, state: State = State.OK) -> ObjectMasks:
    return ObjectMasks(0, "c", "f", (80, 60), (40, 30), items, None, "s", state, "no input")


def test_colours_survive_writing_and_reading(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    write(tmp_path / "a.png", image)
    assert np.array_equal(read_rgb(tmp_path / "a.png"), image)
    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], image)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8 broken")
    (tmp_path / "b.jpg").write_bytes(b"")
    for name in ("a.jpg", "b.jpg"):
        with pytest.raises(InputError, match=rf"{name}: not an image"):
            read_rgb(tmp_path / name)
    with pytest.raises(InputError, match=r"c\.jpg: cannot be read: No such file"):
        read_rgb(tmp_path / "c.jpg")


def test_folders_stand_for_their_images(tmp_path: Path) -> None:
    for name in ("b.png", "a.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in expand([tmp_path, Path("x.png")])] == ["a.JPG", "b.png", "x.png"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no image in this folder"):
        expand([tmp_path / "empty"])


def test_masks_at_image_size() -> None:
    item = one(np.ones((4, 6), np.bool_), 10, 8)
    full = at_image_size(masks(item), item)
    assert full.shape == (60, 80)
    ys, xs = np.nonzero(full)
    assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (20, 16, 32, 24)


def test_a_single_cell_does_not_vanish_at_any_size() -> None:
    item = one(np.ones((1, 1), np.bool_), 10, 8)
    small = ObjectMasks(0, "c", "f", (21, 17), (40, 30), (item,), None, "s")
    assert at_image_size(small, item).any()


def test_instances_overlap_in_favour_of_the_strongest() -> None:
    a = one(np.ones((10, 10), np.bool_), 0, 0, 1)
    b = one(np.ones((10, 10), np.bool_), 5, 5, 2)
    canvas = instances(masks(a, b))
    assert canvas.dtype == np.uint16
    assert canvas[15, 15] == 1
    assert canvas[25, 25] == 2
    assert canvas[55, 75] == 0


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**31))
@settings(deadline=None, max_examples=60)
def test_run_lengths_decode_to_the_mask(h: int, w: int, seed: int) -> None:
    bits = np.random.default_rng(seed).random((h, w)) > 0.5
    counts = coco_counts(bits)
    values = np.arange(len(counts)) % 2 == 1
    assert np.array_equal(np.repeat(values, counts).reshape((w, h)).T, bits)


def test_overlay_paints_the_mask_and_leaves_the_rest() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    item = one(np.ones((6, 8), np.bool_), 20, 18)
    painted = draw(image, masks(item))
    assert (painted[42, 50] != 90).any()
    assert (painted[5, 70] == 90).all()
    assert (image == 90).all()


def test_overlay_says_when_the_state_is_not_ok() -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    banner = draw(image, masks(state=State.UNKNOWN))
    assert banner[:8].max() > 100
    assert not draw(image, masks())[:8].any()


def test_heat_shows_where_the_score_is_rare() -> None:
    image = np.full((60, 80, 3), 90, np.uint8)
    scores = np.zeros((15, 20), np.float32)
    scores[5:10, 5:10] = 0.999999
    hot = draw(image, masks(), ScoreMap(scores, (80, 60), "s"))
    assert hot[30, 30, 0] > hot[30, 30, 2] + 60
    np.testing.assert_allclose(hot[5, 70], 90, atol=2)
