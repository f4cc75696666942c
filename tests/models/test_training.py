"""Training on small scenes made here: samples are labelled right, and steps lower the loss."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the torch extra")

from models.training.classes import IGNORE, INDEX  # noqa: E402
from models.training.decoder import Decoder, sample  # noqa: E402
from models.training.losses import decoder_loss, encoder_loss  # noqa: E402
from models.training.network import Encoder, TwoScales  # noqa: E402
from models.training.objects import ask, score_box  # noqa: E402
from models.training.paste import add_known, add_unknown  # noqa: E402
from models.training.sources import Cutout, Scene, normal_scene  # noqa: E402
from s2m_ros.perception.overlap import box_iou  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")


def road(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 120, (64, 96, 3)).astype(np.uint8)
    return normal_scene(image, np.full((64, 96), INDEX["Road"], np.uint8))


def box(label: int) -> Cutout:
    image = np.full((40, 40, 3), (220, 60, 30), np.uint8)
    return Cutout(image, np.full((40, 40), 255, np.uint8), label)


def scene_with_object(seed: int = 0) -> Scene:
    scene, rng = road(seed), np.random.default_rng(seed)
    while not scene.instances.any():
        add_unknown(scene, [box(IGNORE)], rng, largest=40)
    return scene


def test_pasted_unknown_is_an_anomaly_and_pasted_known_is_not() -> None:
    strange = scene_with_object()
    assert (strange.anomaly == 1).any()
    assert (strange.labels[strange.anomaly == 1] == IGNORE).all()
    usual = road(0)
    for seed in range(4):
        add_known(usual, [box(INDEX["Car"])], np.random.default_rng(seed), largest=40)
    assert (usual.labels == INDEX["Car"]).any()
    assert not (usual.anomaly == 1).any()


def test_samples_of_a_window_are_where_the_window_is() -> None:
    columns = torch.arange(64.0).expand(1, 1, 48, 64) + 0.5  # the value is the place in px
    got = sample(columns, torch.tensor([[8.0, 8.0, 40.0, 40.0]]), 1.0, 16)
    np.testing.assert_allclose(got[0, 0, 0], 8 + 2 * (np.arange(16) + 0.5), atol=1e-3)


def test_a_region_of_the_score_map_becomes_a_box_on_its_object() -> None:
    mask = np.zeros((64, 96), bool)
    mask[16:48, 32:72] = True
    score = np.full((16, 24), -4.0, np.float32)
    score[4:12, 8:18] = np.linspace(0, 4, 80).reshape(8, 10)
    true = np.array([32, 16, 72, 48], np.float32)
    found = [score_box(score, mask, np.random.default_rng(seed)) for seed in range(12)]
    overlaps = [box_iou(box, true) for box in found if box is not None]
    assert len(overlaps) == 12
    assert max(overlaps) > 0.8
    assert min(overlaps) < 0.6, "regions of high cuts are parts"
    assert box_iou(true, true) == 1
    assert score_box(score, np.zeros((64, 96), bool), np.random.default_rng(0)) is None


def test_a_few_steps_lower_both_losses() -> None:
    torch.manual_seed(0)
    scene = scene_with_object()
    image = torch.from_numpy(scene.image).permute(2, 0, 1)[None].float()
    targets = [torch.from_numpy(m)[None] for m in (scene.labels, scene.anomaly)]
    encoder, decoder = Encoder(), Decoder()
    score = np.zeros((16, 24), np.float32)
    asked = ask(scene, score, np.random.default_rng(0), most=4)
    assert asked is not None
    optimiser = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
    course = []
    for _ in range(3):
        anomaly, logits, features = encoder(image)
        assert anomaly.shape == (1, 1, 16, 24)
        masks, iou = decoder(
            asked.patches,
            features.detach(),
            anomaly.detach(),
            asked.windows,
            asked.boxes,
            asked.points,
            asked.point_labels,
        )
        first = encoder_loss(anomaly, logits, *targets)
        second = decoder_loss(masks, iou, asked.target)
        course.append((first.item(), second.item()))
        optimiser.zero_grad()
        (first + second).backward()
        optimiser.step()
    assert course[-1][0] < course[0][0]
    assert course[-1][1] < course[0][1]


@pytest.mark.parametrize("size", [(64, 128), (96, 160)])
def test_the_second_look_doubts_and_never_raises(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    encoder = Encoder().eval()
    image = torch.rand(1, 3, *size) * 255
    with torch.no_grad():
        anomaly, logits, features = TwoScales(encoder)(image)
        near, *rest = encoder(image)
    assert anomaly.shape == near.shape
    assert (anomaly <= near).all()
    assert (anomaly < near).any()
    assert torch.equal(logits, rest[0])
    assert torch.equal(features, rest[1])
