"""Random labelled pictures of aprons, to train and test detectors on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from s2m_ros.sim import apron, camera, catalog
from s2m_ros.sim.ground import Ground
from s2m_ros.sim.model import ANOMALY, ANOMALY_LABEL, Model, stand
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scenario import CameraSensor, Marking, Region, Surface
from s2m_ros.sim.scene import Actor, Scene
from s2m_ros.sim.shader import Shader
from s2m_ros.sim.sky import Sky, daylight
from s2m_ros.types import InputError, UInt8

SHARED = 6
"""So many successive seeds share one painted ground, which costs more than a picture."""

BY_DAY = ("noon", "afternoon", "low_sun", "overcast", "dusk")
AREA = (-4.0, -18.0, 44.0, 18.0)
SMALL_KINDS = (
    "chock", "cone", "hose", "suitcase", "box", "bag", "stone", "fuel_cap", "bolt", "wrench",
    "bottle", "animal", "bird", "barrier", "tyre", "pallet", "toolbox", "sheet", "bucket", "strap",
    "plank", "helmet", "ball", "canister", "clutter", "duct",
)  # fmt: skip
"""The other foreign kinds are kept for test drives: no picture to learn from has them."""


def render_random(seed: int, width: int = 640, height: int = 384) -> tuple[UInt8, UInt8, UInt8]:
    """A random apron: image uint8 (H, W, 3) RGB, class labels uint8 (H, W), anomaly uint8 (H, W).

    Labels are indices into ``model.CLASSES``, 255 where an anomaly (1 in the third map) is.
    """
    ground = _ground(seed // SHARED)
    rng = np.random.default_rng((seed, 77))
    light = daylight(
        str(rng.choice(BY_DAY, p=[0.25, 0.3, 0.15, 0.2, 0.1])),
        float(rng.uniform(-180, 180)),
        None,
        None,
        float(np.exp(rng.uniform(np.log(300), np.log(15000)))),
    )
    if light.softness < 0.1:
        low, high = (3, 20) if light.elevation_deg < 15 else (18, 70)
        light = daylight(
            "low_sun" if light.elevation_deg < 15 else "afternoon",
            light.azimuth_deg,
            float(rng.uniform(low, high)),
            float(rng.uniform(0, 0.9)),
            light.visibility_m,
        )
    sensor = CameraSensor(
        width=width,
        height=height,
        field_of_view_deg=float(rng.uniform(45, 95)),
        position=(
            0.0,
            float(rng.normal(0, 1.5)),
            float(np.exp(rng.uniform(np.log(0.8), np.log(3.2)))),
        ),
        yaw_deg=float(rng.normal(0, 9)),
        pitch_deg=float(rng.uniform(0, 18)),
        noise=float(np.exp(rng.normal(0, 0.7))),
        blur_px=float(rng.uniform(0.3, 1.4)),
        distortion=(float(rng.normal(0, 0.06)), float(rng.normal(0, 0.015)), 0.0, 0.0, 0.0),
    )
    actors = _background(rng) + _traffic(rng)
    actors += _foreign(rng, sensor, list(actors))
    placed = [
        Actor(i + 1, f"{model.kind}_{i + 1}", model, _still(pose), False, model.category != ANOMALY)
        for i, (model, pose) in enumerate(actors)
    ]
    shader = Shader(Scene(ground, Sky(light, np.random.default_rng(seed // SHARED)), placed), seed)
    picture = camera.take(
        shader, _lens(sensor), np.eye(4), sensor, seed, float(np.exp(rng.normal(0, 0.22)))
    )
    image = _colour_cast(picture.image, rng)
    return image, picture.labels, (picture.labels == ANOMALY_LABEL).astype(np.uint8)


def _lens(sensor: CameraSensor) -> camera.Camera:
    """The camera, with less distortion where so much has no inverse at the corners."""
    try:
        return camera.build(sensor)
    except InputError:
        weaker = tuple(k / 2 if abs(k) > 1e-3 else 0.0 for k in sensor.distortion)
        return _lens(sensor.model_copy(update={"distortion": weaker}))


@lru_cache(maxsize=1024)
def _variant(kind: str, variant: int) -> Model:
    return catalog.make(kind, np.random.default_rng((variant, 11)))


def _model(kind: str, rng: np.random.Generator) -> Model:
    """One of some shapes of a kind: building meshes costs more than drawing them."""
    return _variant(kind, int(rng.integers(200 if kind == "clutter" else 24)))


def _still(pose: Pose):  # type: ignore[no-untyped-def]
    return lambda _t: pose


def _colour_cast(image: UInt8, rng: np.random.Generator) -> UInt8:
    """White balance, contrast and saturation of another camera."""
    value = image.astype(np.float32) / 255
    value *= 1 + rng.normal(0, 0.035, 3).astype(np.float32)
    grey = value.mean(axis=2, keepdims=True)
    value = grey + (value - grey) * np.float32(rng.uniform(0.65, 1.3))
    value = 0.5 + (value - 0.5) * np.float32(rng.uniform(0.8, 1.2))
    return np.asarray(np.clip(value, 0, 1) * 255 + 0.5, np.uint8)


@lru_cache(maxsize=1)
def _ground(group: int) -> Ground:
    rng = np.random.default_rng((group, 3))
    asphalt = rng.random() < 0.45
    wet = rng.random() < 0.22
    surface = Surface(
        kind="asphalt" if asphalt else "concrete",
        tone=float(np.exp(rng.normal(0, 0.22))),
        slab_m=float(rng.uniform(3.5, 9)),
        wetness=float(rng.uniform(0.3, 1)) if wet else 0.0,
        puddles=float(rng.exponential(1.0)) if wet or rng.random() < 0.2 else 0.0,
        stains=float(rng.gamma(1.5, 0.9)),
        cracks=float(rng.gamma(1.2, 0.9)),
        tyre_marks=float(rng.gamma(1.5, 0.8)),
        patches=float(rng.gamma(1.2, 0.8)),
    )
    return apron.build(
        surface, _markings(rng), _regions(rng), AREA, rng, near_m=0.02, far_m=0.25, far_reach_m=96.0
    )


def _markings(rng: np.random.Generator) -> list[Marking]:
    out: list[Marking] = []
    kinds = (
        "taxi_line",
        "taxi_line",
        "stand_line",
        "edge",
        "red_line",
        "white_line",
        "dashed",
        "stop_bar",
    )
    for _ in range(int(rng.integers(0, 7))):
        heading = float(rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)])) + float(
            rng.normal(0, 0.06)
        )
        centre = rng.uniform((2, -9), (28, 9))
        s = np.linspace(-45, 45, 60)
        bend = float(rng.normal(0, 0.006)) * (rng.random() < 0.5)
        along, across = s, bend * s**2
        c, n = np.cos(heading), np.sin(heading)
        xy = np.stack(
            [centre[0] + along * c - across * n, centre[1] + along * n + across * c], axis=1
        )
        if rng.random() < 0.3:
            xy = xy[: int(rng.integers(12, 50))]
        out.append(
            Marking(
                kind=str(rng.choice(kinds)),
                points=[(float(x), float(y)) for x, y in xy],
                wear=float(rng.uniform(0.05, 0.85)),
            )
        )
    for _ in range(rng.poisson(0.8)):
        at = rng.uniform((5, -8), (25, 8))
        text = str(rng.choice(["12", "A4", "B23", "STOP", "7", "32L", "GSE", "NO PARKING", "105"]))
        out.append(
            Marking(
                kind="number",
                points=[(float(at[0]), float(at[1]))],
                text=text,
                yaw_deg=float(rng.choice([0, 0, 90, 180, 270])),
                height_m=float(rng.uniform(0.6, 2.5)),
                wear=float(rng.uniform(0.1, 0.8)),
            )
        )
    if rng.random() < 0.2:
        at = rng.uniform((4, -10), (25, 6))
        out.append(
            Marking(
                kind="hatch",
                points=[(float(at[0]), float(at[1])), (float(at[0] + 6), float(at[1] + 4))],
                wear=float(rng.uniform(0.1, 0.7)),
            )
        )
    return out


def _regions(rng: np.random.Generator) -> list[Region]:
    out: list[Region] = []
    side = 1 if rng.random() < 0.5 else -1
    if rng.random() < 0.55:
        y = side * float(rng.uniform(7, 30))
        out.append(
            Region(
                kind="grass",
                points=[(-90, y), (200, y), (200, y + side * 120), (-90, y + side * 120)],
            )
        )
    if rng.random() < 0.5:
        x = float(rng.uniform(35, 90))
        out.append(
            Region(kind="grass", points=[(x, -150), (x + 90, -150), (x + 90, 150), (x, 150)])
        )
    if rng.random() < 0.2:
        y = -side * float(rng.uniform(6, 16))
        out.append(
            Region(
                kind="pavement",
                points=[(-90, y), (200, y), (200, y - side * 4), (-90, y - side * 4)],
            )
        )
    return out


def _pose(x: float, y: float, yaw: float) -> Pose:
    return Pose(x, y, yaw, 0.0, 0.0, 0.0)


Placed = tuple[Model, Pose]


def _background(rng: np.random.Generator) -> list[Placed]:
    out: list[Placed] = []
    if rng.random() < 0.75:
        kind = str(rng.choice(["terminal", "terminal", "hangar", "hangar"]))
        distance = float(rng.uniform(45, 130))
        yaw = float(rng.normal(0, 0.25))
        out.append((_model(kind, rng), _pose(distance, float(rng.normal(0, 25)), yaw)))
        if rng.random() < 0.4:
            out.append(
                (_model("hangar", rng), _pose(distance + 10, float(rng.choice([-80, 80])), yaw))
            )
    if rng.random() < 0.4:
        side = float(rng.choice([-1, 1]))
        out.append(
            (
                _model(str(rng.choice(["terminal", "hangar", "shed"])), rng),
                _pose(
                    float(rng.uniform(20, 60)), side * float(rng.uniform(34, 60)), side * np.pi / 2
                ),
            )
        )
    for kind, chance, near in (
        ("mast", 0.6, 25),
        ("shed", 0.4, 25),
        ("sign", 0.35, 10),
        ("fence", 0.3, 40),
        ("tree", 0.4, 40),
        ("post", 0.3, 8),
        ("jet_bridge", 0.3, 28),
    ):
        for _ in range(rng.poisson(chance)):
            x, y = float(rng.uniform(near, near + 60)), float(rng.uniform(-40, 40))
            out.append((_model(kind, rng), _pose(x, y, float(rng.uniform(-0.3, 0.3)))))
    return out


def _traffic(rng: np.random.Generator) -> list[Placed]:
    out: list[Placed] = []
    if rng.random() < 0.6:
        x, y = float(rng.uniform(24, 75)), float(rng.uniform(-28, 28))
        out.append((_model("airliner", rng), _pose(x, y, float(rng.uniform(-np.pi, np.pi)))))
    if rng.random() < 0.15:
        out.append(
            (
                _model("light_aircraft", rng),
                _pose(
                    float(rng.uniform(14, 40)),
                    float(rng.uniform(-14, 14)),
                    float(rng.uniform(-np.pi, np.pi)),
                ),
            )
        )
    kinds = [
        "car",
        "pickup",
        "van",
        "tug",
        "belt_loader",
        "catering_lorry",
        "fuel_truck",
        "dolly",
        "power_unit",
    ]
    for _ in range(rng.poisson(1.8)):
        x = float(rng.uniform(8, 45))
        out.append(
            (
                _model(str(rng.choice(kinds)), rng),
                _pose(
                    x,
                    float(rng.choice([-1, 1])) * float(rng.uniform(2.5, 0.6 * x + 2)),
                    float(rng.uniform(-np.pi, np.pi)),
                ),
            )
        )
    for _ in range(rng.poisson(1.0)):
        x = float(rng.uniform(4, 30))
        out.append(
            (
                _model("person", rng),
                _pose(x, float(rng.uniform(-0.55, 0.55)) * x, float(rng.uniform(-np.pi, np.pi))),
            )
        )
    return out


def _foreign(rng: np.random.Generator, sensor: CameraSensor, others: list[Placed]) -> list[Placed]:
    """None to eight foreign objects, most of them near enough to span some pixels."""
    out: list[Placed] = []
    if rng.random() < 0.12:
        return out
    half = np.deg2rad(sensor.field_of_view_deg) / 2 * 0.95
    for _ in range(int(rng.integers(1, 9))):
        kind = "clutter" if rng.random() < 0.3 else str(rng.choice(SMALL_KINDS))
        model = _model(kind, rng)
        if rng.random() < 0.12:
            factor = float(rng.uniform(0.6, 1.8))
            model = stand(kind, ANOMALY, *[mesh.scaled(factor) for mesh in model.meshes])
        size = float(model.size.max())
        distance = float(
            np.clip(np.exp(rng.uniform(np.log(2.5), np.log(28))) * min(1.0, 0.35 + size), 1.8, 30)
        )
        bearing = float(rng.uniform(-half, half)) + np.deg2rad(sensor.yaw_deg)
        x, y = distance * np.cos(bearing), sensor.position[1] + distance * np.sin(bearing)
        clear = all(
            np.hypot(x - p.x, y - p.y) > 0.5 * (float(m.size[:2].max()) + size)
            or m.category == "Aircraft"
            for m, p in others + out
        )
        if clear:
            out.append((model, _pose(float(x), float(y), float(rng.uniform(-np.pi, np.pi)))))
    return out
