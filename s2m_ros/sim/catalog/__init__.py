"""What can stand on the apron: one maker for each kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog import aircraft, buildings, foreign, furniture, people, vehicles
from s2m_ros.sim.model import Model

Maker = Callable[[np.random.Generator], Model]

FOREIGN: dict[str, Maker] = foreign.MAKERS
"""Kinds that a vehicle must not meet on the ground: unknown to the detector."""

KNOWN: dict[str, Maker] = {
    **aircraft.MAKERS,
    **vehicles.MAKERS,
    **people.MAKERS,
    **buildings.MAKERS,
    **furniture.MAKERS,
}

MAKERS: dict[str, Maker] = {**FOREIGN, **KNOWN}


def make(kind: str, rng: np.random.Generator) -> Model:
    """A model of a kind; size, colour and shape vary with rng where the kind varies."""
    try:
        maker = MAKERS[kind]
    except KeyError:
        raise ValueError(
            f"kind: expected one of {', '.join(sorted(MAKERS))}, got {kind!r}"
        ) from None
    return maker(rng)
