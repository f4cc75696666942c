"""The box prompter's training: what is asked of each place, views of score maps, the export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml
from pycocotools import mask as coco
from scipy import ndimage

torch = pytest.importorskip("torch", reason="training needs the torch extra")

from models.training.export import add_prompter  # noqa: E402
from models.training.prompter import (  # noqa: E402
    RANGES,
    STRIDES,
    Prompter,
    assign,
    overlap,
    places,
    prompter_loss,
)
from models.training.score_maps import (  # noqa: E402
    UNSURE,
    Cache,
    MapScene,
    boxes_of,
    objects_of,
    window,
)
from models.training.sources import Scene  # noqa: E402
from s2m_ros.perception.calibration import RARITY_LIMIT  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def map_scene(*boxes: tuple[int, int, int, int], h: int = 48, w: int = 64) -> MapScene:
    """Quiet ground with a plateau in each box (x0, y0, x1, y1 in cells)."""
    rarity = np.full((h, w), 0.5, np.float16)
    objects = np.zeros((2 * h, 2 * w), np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(boxes, start=1):
        rarity[y0:y1, x0:x1] = 5
        objects[2 * y0 : 2 * y1, 2 * x0 : 2 * x1] = number
    return MapScene({"learned": rarity}, objects)


# --- what is asked ------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1.5, 4, 12, 35, 90])
def test_every_box_is_asked_for_at_a_stride_of_its_size(side: float) -> None:
    box = torch.tensor([[20.3, 10.1, 20.3 + side, 10.1 + 0.6 * side]])
    centres, level = places(100, 140)
    asked = assign(box, centres, level) == 0
    assert asked.any()
    for number in level[asked].unique():
        low, high = RANGES[number]
        assert low <= side < high
    away = (centres[asked] - torch.tensor([20.3 + side / 2, 10.1 + 0.3 * side])).abs()
    assert (away <= 1.5 * torch.tensor(STRIDES)[level[asked]][:, None]).all()


def test_of_two_that_ask_the_smaller_has_the_place() -> None:
    boxes = torch.tensor([[10.0, 10.0, 24.0, 22.0], [14.0, 14.0, 20.0, 18.0]])
    centres, level = places(48, 64)
    which = assign(boxes, centres, level)
    inner = ((centres > 15.0) & (centres < 17.5)).all(1) & (level == 0)
    assert inner.any()
    assert (which[inner] == 1).all()
    assert (which == 0).any()


def test_overlap_is_that_of_pycocotools() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 20, (50, 2, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 20, (50, 2, 2))], 2)
    iou, generalised = overlap(torch.from_numpy(boxes[:, 0]), torch.from_numpy(boxes[:, 1]))
    size = boxes.copy()
    size[..., 2:] -= size[..., :2]
    expected = coco.iou(size[:, 0], size[:, 1], [0] * 50).diagonal()
    np.testing.assert_allclose(iou, expected, atol=1e-6)
    assert (generalised <= iou).all()
    assert (generalised > -1).all()


def test_places_lie_in_the_boxes_that_the_network_answers_with() -> None:
    boxes, logits = Prompter()(torch.rand(2, 1, 41, 77) * RARITY_LIMIT)
    centres, level = places(41, 77)
    assert boxes.shape == (2, len(centres), 4)
    assert logits.shape == (2, len(level))
    assert ((boxes[..., :2] < centres) & (centres < boxes[..., 2:])).all()


def test_what_is_unsure_teaches_nothing() -> None:
    boxes, logits = Prompter()(torch.rand(1, 1, 32, 32))
    unsure = torch.ones(1, 32, 32, dtype=torch.bool)
    assert prompter_loss(boxes, logits, [torch.zeros(0, 4)], unsure) == 0
    assert prompter_loss(boxes, logits, [torch.zeros(0, 4)], ~unsure) > 0


def test_a_few_steps_find_the_object() -> None:
    torch.manual_seed(0)
    box = torch.tensor([[10.0, 12.0, 20.0, 18.0]])
    rarity = torch.full((1, 1, 32, 32), 0.5)
    rarity[:, :, 12:18, 10:20] = 5
    net, unsure = Prompter(), torch.zeros(1, 32, 32, dtype=torch.bool)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        prompter_loss(*net(rarity), [box], unsure).backward()
        optimiser.step()
    boxes, logits = net(rarity)
    best = boxes[0, logits[0].argmax()]
    assert overlap(best[None], box)[0] > 0.7


# --- views of score maps ------------------------------------------------------------------------


def test_objects_are_the_unknown_ones() -> None:
    shape = (40, 60)
    anomaly, instances = np.zeros(shape, np.uint8), np.zeros(shape, np.int16)
    instances[4:16, 4:20] = 1
    anomaly[4:16, 4:20] = 1
    instances[20:32, 4:20] = 2  # a known object
    instances[20:32, 30:50] = 3
    anomaly[20:32, 30:50] = UNSURE
    scene = Scene(np.zeros((*shape, 3), np.uint8), np.zeros(shape, np.uint8), anomaly, instances)
    found = objects_of(scene)
    assert found.shape == (20, 30)
    np.testing.assert_array_equal(boxes_of(found), [[1, 1, 5, 4]])
    assert (found[10:16, 15:25] == UNSURE).all()
    assert not found[10:16, 2:10].any()


def test_boxes_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    numbers, _ = ndimage.label(ndimage.gaussian_filter(rng.normal(size=(80, 120)), 3) > 0.08)
    expected = [
        (x.start / 2, y.start / 2, x.stop / 2, y.stop / 2)
        for y, x in ndimage.find_objects(numbers)
        if x.stop - x.start >= 2 and y.stop - y.start >= 2
    ]
    np.testing.assert_array_equal(boxes_of(numbers.astype(np.uint8)), expected)


@pytest.mark.parametrize("seed", range(12))
def test_a_view_shows_objects_where_it_says(seed: int) -> None:
    scene = map_scene((8, 8, 20, 14), (30, 20, 50, 40))
    view = window(scene, np.random.default_rng(seed), 56, 40)
    assert view.rarity.shape == view.unsure.shape == (40, 56)
    assert view.rarity.dtype == np.float32
    assert view.rarity.min() >= 0
    assert view.rarity.max() <= RARITY_LIMIT
    for x0, y0, x1, y1 in view.boxes:
        assert 0 <= x0 < x1 <= 56
        assert 0 <= y0 < y1 <= 40
        inside = view.rarity[round(y0) : round(y1), round(x0) : round(x1)]
        assert np.quantile(inside, 0.8) > 0.9, "an object that nobody could see was asked for"


def test_views_differ_in_size_and_side() -> None:
    scene = map_scene((10, 10, 26, 22))
    views = [window(scene, np.random.default_rng(seed), 64, 48).boxes for seed in range(30)]
    widths = [box[2] - box[0] for boxes in views for box in boxes]
    assert max(widths) > 1.8 * min(widths)


def test_maps_are_kept_by_encoder(tmp_path: Path) -> None:
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    scene = map_scene((8, 8, 20, 14))
    cache = Cache(tmp_path, one)
    assert 5 not in cache
    cache[5] = scene
    again = Cache(tmp_path, one)
    assert 5 in again
    np.testing.assert_array_equal(again[5].objects, scene.objects)
    np.testing.assert_array_equal(again[5].rarity["learned"], scene.rarity["learned"])
    assert 5 not in Cache(tmp_path, other)


# --- export -------------------------------------------------------------------------------------


def test_the_exported_graph_answers_as_the_network(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(yaml.safe_dump({"name": "m", "files": {"encoder": {}}}))
    net = Prompter().eval()
    add_prompter(tmp_path, net)
    files = yaml.safe_load((tmp_path / "model.yaml").read_text())["files"]
    assert set(files) == {"encoder", "prompter"}
    assert files["prompter"]["bytes"] == (tmp_path / "prompter.onnx").stat().st_size
    session = onnxruntime.InferenceSession(
        tmp_path / "prompter.onnx", providers=["CPUExecutionProvider"]
    )
    for h, w in ((136, 240), (41, 77)):
        rarity = np.random.default_rng(h).uniform(0, 6, (1, 1, h, w)).astype(np.float32)
        boxes, confidence = session.run(["boxes", "confidence"], {"rarity": rarity})
        with torch.no_grad():
            expected, logits = net(torch.from_numpy(rarity))
        np.testing.assert_allclose(boxes, expected[0], atol=1e-3)
        np.testing.assert_allclose(confidence, logits[0].sigmoid(), atol=1e-5)
