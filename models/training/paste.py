"""Paint objects, materials, stains and shadows on a scene, each with the labels that it deserves.

Unknown objects are pasted with soft edges, harmonised colour and now and then a shadow. Known
objects, ground materials and pieces of other normal scenes are pasted the same way but stay normal,
so that the trace of pasting carries no information.
"""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .classes import IGNORE, INDEX
from .sources import Cutout, Image, Scene

Mask = NDArray[np.float32]
EDGE = 0.1  # alpha between this and 1 - EDGE is neither object nor ground


def log_uniform(rng: Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def place(scene: Scene, rng: Generator, width: int, height: int) -> tuple[int, int]:
    """Top left corner of a width x height patch: mostly standing on the ground."""
    rows, columns = scene.labels.shape
    x = int(rng.integers(-width // 3, max(columns - 2 * width // 3, 1)))
    for _ in range(6):
        x = int(rng.integers(-width // 3, max(columns - 2 * width // 3, 1)))
        foot = int(rng.integers(int(0.35 * rows), rows + height // 4))
        below = scene.labels[min(foot, rows - 1), int(np.clip(x + width // 2, 0, columns - 1))]
        if below in (INDEX["Road"], INDEX["Pavement"]) or (below == IGNORE and rng.random() < 0.5):
            return x, foot - height
    return x, int(rng.integers(-height // 3, max(rows - 2 * height // 3, 1)))


def transformed(cutout: Cutout, rng: Generator, size: float) -> tuple[Image, Mask]:
    """The cutout with its longer side at `size` px, mirrored and turned, and its alpha."""
    image, mask = cutout.image, cutout.mask
    if rng.random() < 0.5:
        image, mask = image[:, ::-1], mask[:, ::-1]
    h, w = mask.shape
    scale = size / max(h, w)
    stretch = float(np.exp(rng.normal(0, 0.12)))
    angle = float(rng.normal(0, 12)) if rng.random() < 0.8 else float(rng.uniform(-180, 180))
    turn = cv2.getRotationMatrix2D((w / 2, h / 2), angle, 1.0)[:, :2]
    turn = turn @ np.diag([scale * stretch, scale / stretch])
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 @ turn.T
    extent = np.ceil(corners.max(0) - corners.min(0)).astype(int) + 4
    matrix = np.hstack([turn, (extent / 2 - turn @ np.array([w / 2, h / 2]))[:, None]])
    shrink = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    if scale < 0.5:  # a warp alone would alias
        small = (max(round(w * scale), 1), max(round(h * scale), 1))
        image, mask = (
            cv2.resize(image, small, interpolation=shrink),
            cv2.resize(mask, small, interpolation=shrink),
        )
        matrix[:, :2] = matrix[:, :2] @ np.diag([w / small[0], h / small[1]])
        matrix[:, 2] = extent / 2 - matrix[:, :2] @ (np.array(small) / 2)
    size_out = (int(extent[0]), int(extent[1]))
    turned = cv2.warpAffine(image, matrix, size_out, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(mask, matrix, size_out).astype(np.float32) / 255
    return turned, alpha


def harmonised(patch: Image, alpha: Mask, ground: Image, rng: Generator) -> NDArray[np.float32]:
    """Move the patch's mean and spread part of the way to its surroundings (Reinhard, in RGB)."""
    colour = patch.astype(np.float32)
    inside = alpha > 0.5
    if inside.sum() < 4:
        return colour
    mean, spread = colour[inside].mean(0), colour[inside].std(0) + 4
    around = ground.reshape(-1, 3).astype(np.float32)
    pull = rng.uniform(0, 0.7)
    gain = (around.std(0) + 12) / spread
    contrast = (1 - 0.4 * pull) + 0.4 * pull * np.clip(gain, 0.5, 1.5)
    return (colour - mean) * contrast + mean + pull * (around.mean(0) - mean) + rng.normal(0, 8, 3)


def blend(
    scene: Scene, patch: Image, alpha: Mask, corner: tuple[int, int], label: int, rng: Generator
) -> None:
    """Paint one patch into `scene`, in place; label IGNORE stands for an unknown object."""
    rows, columns = scene.labels.shape
    x, y = corner
    h, w = alpha.shape
    x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, columns), min(y + h, rows)
    if x1 - x0 < 4 or y1 - y0 < 4:
        return
    inner = np.s_[y0 - y : y1 - y, x0 - x : x1 - x]
    outer = np.s_[y0:y1, x0:x1]
    ground = scene.image[outer]
    colour = harmonised(patch, alpha, ground, rng)[inner]
    alpha = alpha[inner]
    sigma = rng.uniform(0.3, 1.1)
    soft = cv2.GaussianBlur(alpha, (0, 0), sigma)
    if rng.random() < 0.4:  # out of focus, or moving
        colour = cv2.GaussianBlur(colour, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.4:
        cast_shadow(scene, (x0, y0, x1, y1), alpha, rng)
        ground = scene.image[outer]
    mixed = soft[..., None] * colour + (1 - soft[..., None]) * ground
    scene.image[outer] = np.clip(mixed, 0, 255).astype(np.uint8)
    solid, edge = soft > 0.5, (soft > EDGE) & (soft < 1 - EDGE)
    scene.labels[outer][solid] = label
    scene.anomaly[outer][solid] = int(label == IGNORE)
    if label == IGNORE and min(h, w) > 12:
        scene.anomaly[outer][edge & ~solid] = IGNORE
    if solid.sum() > 12:
        scene.instances[outer][solid] = scene.instances.max() + 1


def cast_shadow(scene: Scene, box: tuple[int, int, int, int], alpha: Mask, rng: Generator) -> None:
    """Darken an ellipse at the foot of an object: shadows stay ground."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    shade = np.zeros(scene.labels.shape, np.float32)
    centre = (int((x0 + x1) / 2 + rng.normal(0, 0.3) * w), int(y1 - 0.06 * h))
    axes = (
        max(int(w * rng.uniform(0.4, 0.9)), 2),
        max(int(min(w, h) * rng.uniform(0.08, 0.25)), 1),
    )
    cv2.ellipse(shade, centre, axes, float(rng.normal(0, 8)), 0, 360, 1.0, -1)
    darken(scene.image, cv2.GaussianBlur(shade, (0, 0), max(0.08 * w, 1.0)) * rng.uniform(0.2, 0.6))


def darken(image: Image, amount: Mask) -> None:
    image[:] = (image * (1 - amount[..., None])).astype(np.uint8)


def blob(rng: Generator, width: int, height: int) -> Mask:
    """An irregular closed shape that fills about width x height."""
    angles = np.linspace(0, 2 * np.pi, int(rng.integers(4, 14)), endpoint=False)
    radii = rng.uniform(0.55, 1.0, angles.size)
    points = np.stack(
        [
            np.cos(angles) * radii * width / 2 + width / 2,
            np.sin(angles) * radii * height / 2 + height / 2,
        ],
        1,
    )
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points.astype(np.int32)], 255)
    return mask.astype(np.float32) / 255


def add_unknown(scene: Scene, cutouts: list[Cutout], rng: Generator, largest: float) -> None:
    cutout = cutouts[rng.integers(len(cutouts))]
    image, alpha = transformed(cutout, rng, log_uniform(rng, 7, largest))
    blend(scene, image, alpha, place(scene, rng, alpha.shape[1], alpha.shape[0]), IGNORE, rng)


def add_debris(scene: Scene, photographs: list[Image], rng: Generator, largest: float) -> None:
    """A thing without a name: a piece of some photograph in the shape of a box, plank or lump.

    What lies on a road is seldom in a list of categories. Light from above and a shadow at the foot
    tell it from paint and stains, which are normal.
    """
    size = log_uniform(rng, 6, largest)
    ratio = log_uniform(rng, 0.15, 1.0) if rng.random() < 0.5 else rng.uniform(0.6, 1.0)
    width, height = max(int(size), 4), max(int(size * ratio), 4)
    if rng.random() < 0.2:
        width, height = height, width
    photograph = photographs[rng.integers(len(photographs))]
    rows, columns = photograph.shape[:2]
    zoom = log_uniform(rng, 0.25, 1.0)
    h, w = min(int(height / zoom) + 1, rows), min(int(width / zoom) + 1, columns)
    y, x = int(rng.integers(0, rows - h + 1)), int(rng.integers(0, columns - w + 1))
    image = cv2.resize(
        photograph[y : y + h, x : x + w], (width, height), interpolation=cv2.INTER_AREA
    )
    colour = image.astype(np.float32)
    if rng.random() < 0.6:  # most things have one colour
        tone = colour.mean((0, 1)) if rng.random() < 0.5 else rng.uniform(10, 245, 3)
        colour = tone + (colour - colour.mean((0, 1))) * rng.uniform(0.05, 0.6)
    light = np.linspace(rng.uniform(0, 0.45), rng.uniform(-0.6, 0), height)[:, None, None]
    shaded = np.clip(colour * (1 + light), 0, 255).astype(np.uint8)
    alpha = blob(rng, width, height) if rng.random() < 0.6 else np.ones((height, width), np.float32)
    pad = ((2, 2), (2, 2))
    image, alpha = transformed(
        Cutout(
            np.pad(shaded, (*pad, (0, 0)), mode="edge"),
            np.pad(alpha * 255, pad).astype(np.uint8),
            IGNORE,
        ),
        rng,
        size,
    )
    blend(scene, image, alpha, place(scene, rng, alpha.shape[1], alpha.shape[0]), IGNORE, rng)


def add_scenery(scene: Scene, other: Scene, rng: Generator) -> None:
    """A piece of another normal scene above the ground of this one: walls, hedges, windows, sky."""
    rows, columns = scene.labels.shape
    width, height = int(log_uniform(rng, 40, columns)), int(log_uniform(rng, 30, 0.8 * rows))
    zoom = log_uniform(rng, 0.7, 2.2)
    h = min(max(int(height / zoom), 8), other.labels.shape[0])
    w = min(max(int(width / zoom), 8), other.labels.shape[1])
    y = int(rng.integers(0, other.labels.shape[0] - h + 1))
    x = int(rng.integers(0, other.labels.shape[1] - w + 1))
    source = np.s_[y : y + h, x : x + w]
    size = (width, height)
    image = cv2.resize(other.image[source], size, interpolation=cv2.INTER_LINEAR)
    labels, anomaly = (
        cv2.resize(part[source], size, interpolation=cv2.INTER_NEAREST)
        for part in (other.labels, other.anomaly)
    )
    y, x = (
        int(rng.integers(-height // 2, max(rows // 2, 1))),
        int(rng.integers(-width // 2, columns)),
    )
    y0, x0, y1, x1 = max(y, 0), max(x, 0), min(y + height, rows), min(x + width, columns)
    if y1 - y0 < 8 or x1 - x0 < 8:
        return
    inner, outer = np.s_[y0 - y : y1 - y, x0 - x : x1 - x], np.s_[y0:y1, x0:x1]
    shape = blob(rng, width, height) if rng.random() < 0.5 else np.ones((height, width), np.float32)
    ground = (INDEX["Road"], INDEX["Pavement"])
    alpha = shape[inner] * ~np.isin(scene.labels[outer], ground)
    alpha = (
        alpha
        * ~np.isin(labels[inner], ground)
        * (anomaly[inner] != 1)
        * (scene.anomaly[outer] != 1)
    )
    unlabelled = np.arange(y0, y1)[:, None] > 0.4 * rows
    alpha = alpha * ~(unlabelled & (scene.labels[outer] == IGNORE))  # may be ground
    soft = cv2.GaussianBlur(alpha.astype(np.float32), (0, 0), rng.uniform(0.3, 1.5))[..., None]
    scene.image[outer] = (soft * image[inner] + (1 - soft) * scene.image[outer]).astype(np.uint8)
    solid = soft[..., 0] > 0.5
    scene.labels[outer][solid] = labels[inner][solid]
    scene.anomaly[outer][solid] = anomaly[inner][solid]


def add_known(scene: Scene, cutouts: list[Cutout], rng: Generator, largest: float) -> None:
    cutout = cutouts[rng.integers(len(cutouts))]
    image, alpha = transformed(cutout, rng, log_uniform(rng, 14, largest))
    blend(scene, image, alpha, place(scene, rng, alpha.shape[1], alpha.shape[0]), cutout.label, rng)


def add_material(scene: Scene, textures: list[Image], rng: Generator) -> None:
    """A patch of another ground material, over whatever ground is there."""
    rows, columns = scene.labels.shape
    texture = textures[rng.integers(len(textures))]
    width, height = int(rng.integers(30, columns)), int(rng.integers(16, max(rows // 2, 17)))
    scale = max(rng.uniform(0.3, 1.5), width / texture.shape[1], height / texture.shape[0])
    grown = cv2.resize(
        texture,
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    patch = grown[:height, :width]
    alpha = np.zeros((height, width), np.float32)
    shape = blob(rng, patch.shape[1], patch.shape[0])
    alpha[: patch.shape[0], : patch.shape[1]] = shape if rng.random() < 0.5 else 1.0
    patch = np.ascontiguousarray(
        np.pad(patch, ((0, height - patch.shape[0]), (0, width - patch.shape[1]), (0, 0)))
    )
    x, y = int(rng.integers(-width // 2, columns)), int(rng.integers(rows // 3, rows))
    mask = np.zeros((rows, columns), np.float32)
    x0, x1, y1 = max(x, 0), min(x + width, columns), min(y + height, rows)
    if x1 - x0 < 8 or y1 - y < 8:
        return
    mask[y:y1, x0:x1] = alpha[: y1 - y, x0 - x : x1 - x]
    # Only the ground takes it: a car standing there stays in front.
    ground = np.isin(scene.labels, (INDEX["Road"], INDEX["Pavement"], IGNORE)) & (
        scene.anomaly != 1
    )
    mask *= ground
    canvas = scene.image.astype(np.float32)
    colour = harmonised(patch, alpha, scene.image[y:y1, x0:x1], rng)
    canvas[y:y1, x0:x1] = colour[: y1 - y, x0 - x : x1 - x]
    mask = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 2.0))
    scene.image[:] = np.clip(
        mask[..., None] * canvas + (1 - mask[..., None]) * scene.image, 0, 255
    ).astype(np.uint8)


def add_marks(scene: Scene, rng: Generator) -> None:
    """Shadows, stains, wet patches and painted lines: all of them normal."""
    rows, columns = scene.labels.shape
    for _ in range(int(rng.integers(1, 4))):
        kind = rng.random()
        shape = np.zeros((rows, columns), np.float32)
        if kind < 0.6:  # a soft or hard shadow, or a stain
            width, height = int(log_uniform(rng, 8, columns)), int(log_uniform(rng, 5, 0.5 * rows))
            patch = blob(rng, width, height)
            x, y = (
                int(rng.integers(-width // 2, columns - 4)),
                int(rng.integers(rows // 3, rows - 4)),
            )
            x0, x1, y1 = max(x, 0), min(x + width, columns), min(y + height, rows)
            shape[y:y1, x0:x1] = patch[: y1 - y, x0 - x : x1 - x]
            shape = cv2.GaussianBlur(shape, (0, 0), log_uniform(rng, 0.5, 6))
            colour = rng.uniform(0, 70, 3) if kind < 0.3 else np.full(3, rng.uniform(0, 40))
            strength = rng.uniform(0.15, 0.65)
        else:  # paint, chalk, seams, skid marks
            start = np.array([rng.integers(columns), rng.integers(rows // 3, rows)])
            points = start + np.cumsum(
                rng.normal(0, rng.uniform(10, 90), (int(rng.integers(2, 5)), 2)), 0
            )
            thickness = int(log_uniform(rng, 1, 14))
            closed = bool(rng.random() < 0.2)
            cv2.polylines(shape, [points.astype(np.int32)], closed, 1.0, thickness, cv2.LINE_AA)
            shape = cv2.GaussianBlur(shape, (0, 0), rng.uniform(0.4, 1.5))
            paints = ((235, 235, 230), (225, 190, 40), (200, 60, 50), (50, 50, 55), (120, 125, 200))
            colour = np.asarray(paints[rng.choice(5, p=(0.4, 0.25, 0.1, 0.2, 0.05))]) * rng.uniform(
                0.6, 1.0
            )
            strength = rng.uniform(0.3, 0.95)
        ground = np.isin(scene.labels, (INDEX["Road"], INDEX["Pavement"], IGNORE)) & (
            scene.anomaly != 1
        )
        alpha = (shape * ground * strength)[..., None]
        scene.image[:] = (alpha * colour + (1 - alpha) * scene.image).astype(np.uint8)
