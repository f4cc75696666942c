"""Drives with objects drawn at random, for `s2m sim FILE`: `python tools/scattered.py DIR`.

Ground, light and known things of ten scenarios of the simulator, and in place of their objects
eleven others: category first, then kind, shape, place and heading; one in four close beside
another. What is measured on them was not chosen on them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import yaml

from s2m_ros.sim import catalog, scenario

GROUNDS = (
    "apron", "taxi_lane", "slope", "service_road", "fallen_baggage", "hose", "clean_asphalt",
    "stand", "large_object", "wet",
)  # fmt: skip
SCENARIOS = Path(scenario.__file__).with_name("scenarios")
SEED, OBJECTS, SECONDS, SPEED_MPS = 9000, 11, 4, 2.4
AHEAD_M, ASIDE_M = (9.0, 22.0), 4.0
BESIDE, BESIDE_M = 0.25, (0.5, 1.0)
"""Share of the objects that lie close beside another, and how close."""
LEAST_M, LEAST_BESIDE_M = 1.3, 0.5


def draw(number: int, ground: str) -> scenario.Scenario:
    """The scenario with this ground."""
    rng = np.random.default_rng(SEED + number)
    drawn: dict[str, Any] = yaml.safe_load((SCENARIOS / f"{ground}.yaml").read_text())
    drawn["actors"] = [a for a in drawn["actors"] if _stays(a)] + _objects(rng)
    drawn |= {
        "name": f"scattered{number}_{ground}",
        "seed": SEED + number,
        "duration_s": SECONDS,
        "ego": {"points": [[0, 0], [10, 0], [20, 0]], "speed_mps": SPEED_MPS},
    }
    drawn.pop("cameras", None)
    if ground != "slope":
        drawn.pop("relief", None)
    return scenario.Scenario.model_validate(drawn)


def _stays(actor: dict[str, Any]) -> bool:
    """Whether it is known, and out of the way."""
    places = [actor["at"]] if "at" in actor else actor["path"]["points"]
    near = any(-4 < x < 34 and abs(y) < 7 for x, y, *_ in places)
    return actor["kind"] not in catalog.FOREIGN and not near


def _objects(rng: np.random.Generator) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    categories = list(catalog.CATEGORIES)
    while len(placed) < OBJECTS:
        if placed and rng.random() < BESIDE:
            other = np.array(placed[rng.integers(len(placed))]["at"])
            away, angle = rng.uniform(*BESIDE_M), rng.uniform(0, 6.28)
            at = other + away * np.array([np.cos(angle), np.sin(angle)])
            least = LEAST_BESIDE_M
        else:
            at = np.array([rng.uniform(*AHEAD_M), rng.uniform(-ASIDE_M, ASIDE_M)])
            least = LEAST_M
        if any(np.hypot(*(at - one["at"])) < least for one in placed):
            continue
        kinds = list(catalog.CATEGORIES[categories[rng.integers(len(categories))]])
        kind = kinds[rng.integers(len(kinds))]
        placed.append(
            {
                "kind": kind,
                "name": f"{kind}_{len(placed)}",
                "at": [float(v) for v in at.round(2)],
                "yaw_deg": float(rng.integers(360)),
                "seed": int(rng.integers(1_000_000)),
            }
        )
    return placed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for number, ground in enumerate(GROUNDS):
        drawn = draw(number, ground)
        path = folder / f"{drawn.name}.yaml"
        drawn.save(path)
        print(path)


if __name__ == "__main__":
    main()
