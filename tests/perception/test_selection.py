"""Selection: whole objects stay, duplicates, parts and swallowed scenes go, each with a reason."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.config import Selection
from s2m_ros.perception.calibration import unrarity
from s2m_ros.perception.evidence import Field, Measure, evidence
from s2m_ros.perception.interfaces import Candidate, Candidates
from s2m_ros.perception.paste import cropped
from s2m_ros.perception.selection import Selected, Selector, otsu, overlap
from s2m_ros.types import Prompts, Role, RoleMap, ScoreMap

GRID = (160, 120)
Box = tuple[int, int, int, int]


def scores(*regions: tuple[Box, float], ground: float = 0.5) -> ScoreMap:
    """A map at a quarter of the grid; boxes in grid cells."""
    field = np.full((30, 40), ground, np.float32)
    for (x0, y0, x1, y1), value in regions:
        field[y0 // 4 : -(-y1 // 4), x0 // 4 : -(-x1 // 4)] = value
    return ScoreMap(unrarity(field), (640, 480), "test")


def mask(prompt: int, *boxes: Box, iou: float = 0.9, stability: float = 0.95) -> Candidate:
    bits = np.zeros(GRID[::-1], np.bool_)
    for x0, y0, x1, y1 in boxes:
        bits[y0:y1, x0:x1] = True
    return cropped(bits, 0, 0, prompt, iou, stability)


def select(
    score: ScoreMap, *candidates: Candidate, roles: RoleMap | None = None, **config: object
) -> Selected:
    n = len(candidates)
    prompts = Prompts(
        np.zeros((n, 4), np.float32),
        np.zeros((n, 1, 2), np.float32),
        np.ones((n, 1), np.float32),
        np.zeros(n, np.float32),
        np.zeros(n, np.float32),
    )
    return Selector(Selection(**{"min_evidence": 0.5, **config}))(
        score, roles, prompts, Candidates(GRID, candidates)
    )


OBJECT: Box = (40, 40, 80, 72)


def test_keeps_an_object_and_states_its_evidence() -> None:
    result = select(scores((OBJECT, 5.0)), mask(0, OBJECT))
    (item,) = result.items
    np.testing.assert_allclose(item.box, np.multiply(OBJECT, 4))
    assert item.id == 1
    assert item.score_mean == pytest.approx(1 - 10**-4.8, abs=1e-5)
    assert item.contrast > 3.5
    assert result.drops == {}
    assert [v.reason for v in result.verdicts] == [""]


def test_one_mask_for_duplicates() -> None:
    shifted = (42, 40, 82, 72)
    result = select(scores((OBJECT, 5.0)), mask(0, OBJECT), mask(1, shifted))
    assert len(result.items) == 1
    np.testing.assert_allclose(result.items[0].box, np.multiply(OBJECT, 4))
    assert result.drops == {"duplicate": 1}


def test_the_whole_object_wins_over_its_part() -> None:
    part = (40, 40, 60, 56)
    score = scores((OBJECT, 4.6), (part, 5.4))
    for order in (0, 1):
        pair = [mask(0, OBJECT), mask(1, part)]
        result = select(score, *(pair if order == 0 else reversed(pair)))
        assert len(result.items) == 1
        assert result.items[0].bits.shape == (32, 40)
        assert result.drops == {"part_of_other": 1}


def test_a_mask_that_swallows_the_ground_loses_to_the_object() -> None:
    ground = (10, 30, 110, 90)
    result = select(scores((OBJECT, 5.0)), mask(0, ground), mask(1, OBJECT), min_evidence=0.05)
    assert len(result.items) == 1
    np.testing.assert_allclose(result.items[0].box, np.multiply(OBJECT, 4))
    assert result.drops == {"swallows_other": 1}


def test_neighbours_stay_apart() -> None:
    other = (80, 40, 110, 72)
    result = select(scores((OBJECT, 5.0), (other, 4.5)), mask(0, OBJECT), mask(1, other))
    assert len(result.items) == 2


def test_a_mask_of_the_whole_scene_is_cut_down_to_what_is_anomalous() -> None:
    result = select(scores((OBJECT, 5.0)), mask(0, (0, 0, 160, 120)), large_fraction=0.3)
    (item,) = result.items
    np.testing.assert_allclose(item.box, np.multiply(OBJECT, 4), atol=16)


def test_or_refused_when_nothing_in_it_stands_out() -> None:
    score = scores(((0, 0, 160, 100), 5.0))
    result = select(score, mask(0, (0, 0, 160, 120)), large_fraction=0.3)
    assert result.items == ()
    assert result.drops == {"too_large": 1}


def test_low_evidence_and_empty_masks_are_counted() -> None:
    result = select(scores(), mask(0, OBJECT), mask(1))
    assert result.items == ()
    assert result.drops == {"empty": 1, "low_evidence": 1}
    assert len(result.verdicts) == 2


def known(role: Role) -> RoleMap:
    return RoleMap(np.full((30, 40), int(role), np.uint8), (640, 480))


def test_a_known_vehicle_needs_more_evidence() -> None:
    weak, strong = scores((OBJECT, 2.4), ground=0.2), scores((OBJECT, 6.3), ground=0.2)
    road = known(Role.SURFACE)
    field = road.roles.copy()
    field[10:18, 10:20] = int(Role.VEHICLE)  # the object's own cells, with road around
    vehicle = RoleMap(field, road.image_size)
    assert select(weak, mask(0, OBJECT), roles=vehicle, min_evidence=0.55).drops == {
        "known_class": 1
    }
    assert len(select(weak, mask(0, OBJECT), roles=road, min_evidence=0.55).items) == 1
    assert len(select(strong, mask(0, OBJECT), roles=vehicle, min_evidence=0.55).items) == 1


def test_the_strongest_stay_when_there_are_too_many() -> None:
    boxes = [(8 + 36 * i, 40, 32 + 36 * i, 60) for i in range(4)]
    score = scores(*((box, 3.5 + 0.7 * i) for i, box in enumerate(boxes)))
    result = select(score, *(mask(i, box) for i, box in enumerate(boxes)), max_masks=2)
    assert [item.id for item in result.items] == [1, 2]
    np.testing.assert_allclose(result.items[0].box, np.multiply(boxes[3], 4))
    np.testing.assert_allclose(result.items[1].box, np.multiply(boxes[2], 4))
    assert result.drops == {"over_limit": 2}


def test_ring_excludes_the_mask_itself_and_small_masks_are_measured() -> None:
    tiny = (60, 60, 63, 62)
    field = Field(scores(((60, 60, 64, 64), 5.0)), None, GRID)
    bits = np.ones((2, 3), np.bool_)
    measure = field.measure(60, 60, bits)
    assert measure.inside > 3
    assert measure.ring < 1.5
    corner = field.measure(0, 0, bits)
    assert corner.contrast == pytest.approx(0, abs=1e-4)
    assert tiny[2] - tiny[0] == bits.shape[1]


def test_what_stands_on_the_ground_has_more_evidence() -> None:
    score = scores((OBJECT, 4.0))
    ground, hedge = known(Role.SURFACE), known(Role.VEGETATION)
    (on,) = select(score, mask(0, OBJECT), roles=ground).items
    (off,) = select(score, mask(0, OBJECT), roles=hedge).items
    (unclear,) = select(score, mask(0, OBJECT)).items
    assert on.evidence == unclear.evidence > off.evidence > 0.6 * on.evidence


@pytest.mark.parametrize("changed", ["inside", "contrast", "iou", "stability", "ground"])
def test_evidence_grows_with_each_of_its_parts(changed: str) -> None:
    def value(x: float) -> float:
        inside = 3 + x if changed in ("inside", "contrast") else 3.0
        ring = 1.0 + x if changed == "inside" else 1.0
        return evidence(
            Measure(inside, 5, ring, 0, x if changed == "ground" else 0.5),
            0.5 + 0.3 * x if changed == "iou" else 0.5,
            0.5 + 0.3 * x if changed == "stability" else 0.5,
        )

    assert 0 <= value(0) < value(1) <= 1


def test_overlap_counts_shared_cells() -> None:
    a, b = mask(0, (10, 10, 20, 20)), mask(1, (15, 12, 30, 14))
    assert overlap(a, b) == overlap(b, a) == 10
    assert overlap(a, mask(2, (30, 30, 40, 40))) == 0


def test_otsu_parts_two_heaps() -> None:
    rng = np.random.default_rng(2)
    heaps = np.concatenate([rng.normal(1, 0.3, 500), rng.normal(5, 0.3, 100)])
    assert 1.8 < otsu(heaps.astype(np.float32)) < 4.3
