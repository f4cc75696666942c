"""Zones on the ground: GeoJSON polygons in metres, in the map's frame or the vehicle's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from s2m_ros.config import ConfigError, Section
from s2m_ros.documents import read_json
from s2m_ros.fusion.transforms import apply
from s2m_ros.hazards.rulebook import LevelName, ZoneRule
from s2m_ros.types import Bool, Float64, shortened

_FARTHEST_M = 1e7
"""Northings of UTM end there."""


class Properties(Section):
    """What a feature says of itself; at_least and at_most replace those of its kind."""

    kind: str
    name: str = ""
    frame: Literal["map", "vehicle"] = "map"
    at_least: LevelName | None = None
    at_most: LevelName | None = None


class _Geometry(Section):
    type: Literal["Polygon", "MultiPolygon"]
    coordinates: list[Any]


_RINGS = TypeAdapter(list[list[Annotated[list[float], Field(min_length=2, max_length=3)]]])


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """An area. rings: float64 (K_i, 2), m, closed by their first corner; what an odd number of them
    encloses belongs to the area, so that holes and several parts need no order."""

    name: str
    kind: str
    frame: str
    rule: ZoneRule
    rings: tuple[Float64, ...]

    def moved(self, matrix: Float64) -> Zone:
        """The zone in another frame, target_from_frame float64 (4, 4)."""
        rings = tuple(
            apply(matrix, np.column_stack([ring, np.zeros(len(ring))]))[:, :2]
            for ring in self.rings
        )
        return replace(self, rings=rings)

    @property
    def sides(self) -> Float64:
        """Ends of all sides, float64 (E, 2, 2)."""
        return np.concatenate(
            [np.stack([ring, np.roll(ring, -1, axis=0)], axis=1) for ring in self.rings]
        )


def load_zones(file: str, kinds: Mapping[str, ZoneRule]) -> tuple[Zone, ...]:
    """The zones of a GeoJSON FeatureCollection; none without a name.

    Raises ConfigError naming the file, the feature, what was expected and what came.
    """
    if not file:
        return ()
    path = Path(file)
    try:
        tree = read_json(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not a readable GeoJSON file: {error}") from error
    if not isinstance(tree, dict) or tree.get("type") != "FeatureCollection":
        raise ConfigError(f"{path}: expected a GeoJSON FeatureCollection")
    features = tree.get("features")
    if not isinstance(features, list):
        raise ConfigError(f"{path}: features: expected a list, got {type(features).__name__}")
    return tuple(_zone(f"{path}: features.{i}", f, kinds) for i, f in enumerate(features))


def _zone(where: str, feature: Any, kinds: Mapping[str, ZoneRule]) -> Zone:
    if not isinstance(feature, dict):
        raise ConfigError(f"{where}: expected a Feature, got {type(feature).__name__}")
    try:
        properties = Properties.model_validate(feature.get("properties"))
        geometry = _Geometry.model_validate(feature.get("geometry"))
        parts = [geometry.coordinates] if geometry.type == "Polygon" else geometry.coordinates
        rings = [ring for part in parts for ring in _RINGS.validate_python(part)]
        rule = kinds.get(properties.kind)
        if rule is None:
            raise ConfigError(
                f"{where}.properties.kind: expected one of {', '.join(sorted(kinds))} (or a kind "
                f"added to the policy's zones), got {shortened(properties.kind)!r}"
            )
        changes = properties.model_dump(include={"at_least", "at_most"}, exclude_none=True)
        rule = ZoneRule.model_validate({**rule.model_dump(), **changes})
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ConfigError(f"{where}: {place}: {problem['msg']}") from error
    corners = tuple(_ring(where, ring) for ring in rings)
    if not corners:
        raise ConfigError(f"{where}: the polygon has no ring")
    return Zone(properties.name, properties.kind, properties.frame, rule, corners)


def _ring(where: str, ring: list[list[float]]) -> Float64:
    corners = np.array([position[:2] for position in ring], float).reshape(-1, 2)
    if len(corners) < 4 or not np.array_equal(corners[0], corners[-1]):
        raise ConfigError(
            f"{where}: expected rings of four positions or more whose last is their first, got "
            f"{len(corners)}"
        )
    x, y = corners.T
    area = 0.5 * float(np.abs(x[:-1] @ y[1:] - x[1:] @ y[:-1]))
    if not np.isfinite(corners).all() or np.abs(corners).max() > _FARTHEST_M or area < 1e-6:
        raise ConfigError(
            f"{where}: a ring has no area, or positions that are not finite metres up to "
            f"{_FARTHEST_M:g}"
        )
    if np.abs(x).max() <= 180 and np.abs(y).max() <= 90 and area < 1e-3:
        raise ConfigError(
            f"{where}: a ring of {area:.1g} m²: expected metres in the zone's frame, got what "
            "looks like degrees of longitude and latitude"
        )
    return corners[:-1]


def depths(zone: Zone, outlines: Float64) -> Float64:
    """How deep outlines (N, K, 2), convex, lie in a zone of the same frame: float64 (N,), m.

    Positive: wholly inside, and so far from its border. Zero: they overlap. Negative: apart by so
    much, or by more when that is over 10 m.
    """
    sides = zone.sides
    result = np.full(len(outlines), -np.inf)
    low, high = outlines.min(axis=1), outlines.max(axis=1)
    corners = sides.reshape(-1, 2)
    box = np.maximum(low - corners.max(axis=0), corners.min(axis=0) - high)
    apart = np.linalg.norm(np.maximum(box, 0), axis=1)
    result[:] = -apart  # of the bounding boxes: exact enough for what is far away
    close = np.flatnonzero(apart < 10.0)
    if len(close):
        result[close] = _depths(sides, outlines[close])
    return result


def _depths(sides: Float64, outlines: Float64) -> Float64:
    own = np.stack([outlines, np.roll(outlines, -1, axis=1)], axis=2)  # (N, K, 2, 2)
    within = _within(sides, outlines)
    start, along = sides[:, 0], sides[:, 1] - sides[:, 0]
    crossing = _cross_each_other(own, sides).any(axis=(1, 2))
    border = np.minimum(
        _from_segments(outlines[:, :, None], start, along).min(axis=(1, 2)),
        _from_segments(
            start[:, None], own[:, None, :, 0], own[:, None, :, 1] - own[:, None, :, 0]
        ).min(axis=(1, 2)),
    )
    swallowed = _inside_convex(start[0], outlines)
    wholly = within.all(axis=1) & ~crossing
    overlap = (within.any(axis=1) | crossing | swallowed) & ~wholly
    return np.where(wholly, border, np.where(overlap, 0.0, -border))


def _within(sides: Float64, points: Float64) -> Bool:
    """Whether points (..., 2) are inside, by the even-odd rule."""
    a, b = sides[:, 0], sides[:, 1]
    x, y = points[..., None, 0], points[..., None, 1]
    spans = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(a[:, 1] == b[:, 1], 1.0, b[:, 1] - a[:, 1])
    left = x < a[:, 0] + (y - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
    return np.asarray((spans & left).sum(axis=-1) % 2 == 1)


def _cross_each_other(own: Float64, sides: Float64) -> Bool:
    """Which of the segments (N, K, 2, 2) and (E, 2, 2) cross: bool (N, K, E)."""
    p, q = own[:, :, None, 0], own[:, :, None, 1]
    a, b = sides[:, 0], sides[:, 1]
    return np.asarray((_turn(p, q, a) * _turn(p, q, b) < 0) & (_turn(a, b, p) * _turn(a, b, q) < 0))


def _turn(a: Float64, b: Float64, c: Float64) -> Float64:
    return np.asarray(
        (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1])
        - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    )


def _from_segments(points: Float64, start: Float64, along: Float64) -> Float64:
    """Distances of points from segments, broadcast."""
    offset = points - start
    length2 = np.maximum((along**2).sum(axis=-1), 1e-18)
    share = np.clip((offset * along).sum(axis=-1) / length2, 0, 1)
    return np.asarray(np.linalg.norm(offset - share[..., None] * along, axis=-1))


def _inside_convex(point: Float64, outlines: Float64) -> Bool:
    """Whether a point lies in each of the convex, counter-clockwise outlines (N, K, 2)."""
    after = np.roll(outlines, -1, axis=1)
    turns = _turn(outlines, after, np.broadcast_to(point, outlines.shape))
    degenerate = (np.abs(outlines - outlines[:, :1]) < 1e-9).all(axis=(1, 2))
    return np.asarray((turns >= 0).all(axis=1) & ~degenerate)
