"""What can stand on the apron: one maker for each kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog import (
    aids,
    aircraft,
    animals,
    baggage,
    buildings,
    cars,
    debris,
    equipment,
    fod,
    furniture,
    lines,
    lorries,
    people,
    personal,
    service,
)
from s2m_ros.sim.model import Model

Maker = Callable[[np.random.Generator], Model]

CATEGORIES: dict[str, dict[str, Maker]] = {
    "fod": fod.MAKERS,
    "cone": {"cone": aids.cone},
    "chock": {"chock": aids.chock},
    "hose": lines.MAKERS,
    "personal_equipment": personal.MAKERS,
    "baggage": baggage.MAKERS,
    "animal": animals.MAKERS,
    "equipment": equipment.MAKERS,
    "debris": debris.MAKERS,
}
"""The kinds of each category of foreign objects."""

FOREIGN: dict[str, Maker] = {k: v for makers in CATEGORIES.values() for k, v in makers.items()}
"""Kinds that a vehicle must not meet on the ground: unknown to the detector."""

KNOWN: dict[str, Maker] = {
    **aircraft.MAKERS,
    **cars.MAKERS,
    **service.MAKERS,
    **lorries.MAKERS,
    **people.MAKERS,
    **buildings.MAKERS,
    **furniture.MAKERS,
}

MAKERS: dict[str, Maker] = {**FOREIGN, **KNOWN}


def category_of(kind: str) -> str:
    """The category of a foreign kind, '' for what is known."""
    return next((name for name, makers in CATEGORIES.items() if kind in makers), "")


def make(kind: str, rng: np.random.Generator) -> Model:
    """A model of a kind; size, colour and shape vary with rng where the kind varies."""
    try:
        maker = MAKERS[kind]
    except KeyError:
        raise ValueError(
            f"kind: expected one of {', '.join(sorted(MAKERS))}, got {kind!r}"
        ) from None
    return maker(rng)
