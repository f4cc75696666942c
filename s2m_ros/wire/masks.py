"""s2m_msgs/ObjectMaskArray <-> ObjectMasks. Masks travel as run lengths of their patch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import (
    Bool,
    EdgeMap,
    InputError,
    ObjectMask,
    ObjectMasks,
    Prompt,
    Role,
    RoleMap,
    State,
)
from s2m_ros.wire.checks import bounded, cells
from s2m_ros.wire.counts import decode_counts, encode_counts
from s2m_ros.wire.enums import member
from s2m_ros.wire.geometry import header, stamp_ns
from s2m_ros.wire.protocol import MessageFactory


def encode_runs(bits: Bool) -> NDArray[np.uint32]:
    """Lengths of the row-major runs of bool (h, w): zeros first (maybe 0 of them), ones, ..."""
    return encode_runs_of([bits])[0]


def encode_runs_of(patches: Sequence[Bool]) -> list[NDArray[np.uint32]]:
    """``encode_runs`` of many patches at once: one pass over all cells, not one a patch."""
    held = [patch.ravel() for patch in patches if patch.size]
    if not held:
        return [np.empty(0, np.uint32) for _ in patches]
    flat = np.concatenate(held)
    starts = np.cumsum([0, *map(len, held)])
    edge = np.empty(flat.size + 1, np.bool_)
    np.not_equal(flat[1:], flat[:-1], out=edge[1:-1])
    edge[starts] = True
    bounds = np.flatnonzero(edge)
    runs = np.diff(bounds).astype(np.uint32)
    first = np.searchsorted(bounds, starts).tolist()
    ones = flat[starts[:-1]].tolist()
    zero, found = np.zeros(1, np.uint32), iter(range(len(held)))
    result = []
    for patch in patches:
        if not patch.size:
            result.append(np.empty(0, np.uint32))
            continue
        i = next(found)
        part = runs[first[i] : first[i + 1]]
        result.append(np.concatenate([zero, part]) if ones[i] else part)
    return result


def decode_runs(runs: Any, height: int, width: int, source: str) -> Bool:
    """The bool (height, width) that ``encode_runs`` coded. Raises InputError naming ``source``."""
    cells(source, "mask", width, height)
    lengths = np.asarray(runs, np.int64)
    if lengths.sum() != height * width:
        raise InputError(
            source,
            f"runs of a mask add up to {lengths.sum()} cells, its box has {width} x {height}",
            "publish run lengths of the whole box, zeros first",
        )
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(height, width)


def encode_masks(factory: MessageFactory, masks: ObjectMasks) -> Any:
    roles = masks.roles
    return factory.make(
        "s2m_msgs/msg/ObjectMaskArray",
        header=header(factory, masks.stamp_ns, masks.frame_id),
        sequence=masks.sequence,
        camera=masks.camera,
        scorer=masks.scorer,
        state=int(masks.state),
        reason=masks.reason,
        image_width=masks.image_size[0],
        image_height=masks.image_size[1],
        grid_width=masks.grid_size[0],
        grid_height=masks.grid_size[1],
        masks=[_encode_mask(factory, item) for item in masks.items],
        roles_width=0 if roles is None else roles.roles.shape[1],
        roles_height=0 if roles is None else roles.roles.shape[0],
        roles=np.empty(0, np.uint8) if roles is None else roles.roles.ravel(),
        **_edge_fields(masks.edges),
        **encode_counts(masks.drops),
    )


def decode_masks(message: Any, source: str) -> ObjectMasks:
    """Raises InputError naming ``source`` when sizes and data do not agree."""
    image_size = (int(message.image_width), int(message.image_height))
    cells(source, "image", *image_size)
    cells(source, "grid", message.grid_width, message.grid_height)
    return ObjectMasks(
        stamp_ns=stamp_ns(message.header.stamp),
        camera=message.camera,
        frame_id=message.header.frame_id,
        image_size=image_size,
        grid_size=(int(message.grid_width), int(message.grid_height)),
        items=tuple(_decode_mask(item, message, source) for item in message.masks),
        roles=_decode_roles(message, image_size, source),
        scorer=message.scorer,
        state=member(State, message.state, source),
        reason=message.reason,
        sequence=int(message.sequence),
        drops=decode_counts(message, source),
        edges=_decode_edges(message, image_size, source),
    )


def _encode_mask(factory: MessageFactory, item: ObjectMask) -> Any:
    return factory.make(
        "s2m_msgs/msg/ObjectMask",
        id=item.id,
        box=item.box,
        **patch_fields(item.x, item.y, item.bits),
        score_mean=item.score_mean,
        score_max=item.score_max,
        contrast=item.contrast,
        predicted_iou=item.predicted_iou,
        evidence=item.evidence,
        prompt=encode_prompt(factory, item.prompt),
    )


def patch_fields(x: int, y: int, bits: Bool) -> dict[str, Any]:
    """The fields of a patch bool (h, w) whose top left cell is (x, y)."""
    return {
        "runs": encode_runs(bits),
        "grid_x": x,
        "grid_y": y,
        "grid_width": bits.shape[1],
        "grid_height": bits.shape[0],
    }


def read_patch(item: Any, array: Any, name: str, source: str) -> tuple[int, int, Bool]:
    """The x, y and bits of ``patch_fields``. Raises InputError when they leave the array's grid."""
    x, y, w, h = item.grid_x, item.grid_y, item.grid_width, item.grid_height
    if x + w > array.grid_width or y + h > array.grid_height:
        raise InputError(
            source,
            f"{name} reaches cell ({x + w}, {y + h}) of a grid of "
            f"{array.grid_width} x {array.grid_height}",
            "publish masks inside their grid",
        )
    return int(x), int(y), decode_runs(item.runs, h, w, source)


def encode_prompt(factory: MessageFactory, prompt: Prompt) -> Any:
    return factory.make(
        "s2m_msgs/msg/Prompt",
        box=prompt.box,
        points=prompt.points.ravel(),
        point_labels=prompt.point_labels.astype(np.int8),
        peak=prompt.peak,
        contrast=prompt.contrast,
    )


def decode_prompt(prompt: Any, source: str) -> Prompt:
    """Raises InputError naming ``source`` for points and labels that do not fit."""
    bounded(source, "prompt", [*prompt.box, prompt.peak, prompt.contrast])
    bounded(source, "points of the prompt", prompt.points)
    if len(prompt.points) != 2 * len(prompt.point_labels):
        raise InputError(
            source,
            f"{len(prompt.points)} coordinates for {len(prompt.point_labels)} labels of points",
            "publish x and y for each label of a point",
        )
    return Prompt(
        np.array(prompt.box, np.float32),
        np.array(prompt.points, np.float32).reshape(-1, 2),
        np.array(prompt.point_labels, np.float32),
        float(prompt.peak),
        float(prompt.contrast),
    )


def _decode_mask(item: Any, array: Any, source: str) -> ObjectMask:
    x, y, bits = read_patch(item, array, f"mask {item.id}", source)
    scores = (item.score_mean, item.score_max, item.contrast, item.predicted_iou, item.evidence)
    bounded(source, f"mask {item.id}: box", item.box)
    bounded(source, f"mask {item.id}: scores", scores)
    return ObjectMask(
        id=int(item.id),
        x=x,
        y=y,
        bits=bits,
        box=np.array(item.box, np.float32),
        score_mean=float(item.score_mean),
        score_max=float(item.score_max),
        contrast=float(item.contrast),
        predicted_iou=float(item.predicted_iou),
        evidence=float(item.evidence),
        prompt=decode_prompt(item.prompt, source),
    )


def _decode_roles(message: Any, image_size: tuple[int, int], source: str) -> RoleMap | None:
    width, height = int(message.roles_width), int(message.roles_height)
    if width * height == 0:
        return None
    roles = np.array(np.frombuffer(message.roles, np.uint8))
    if roles.size != width * height:
        raise InputError(
            source,
            f"{roles.size} roles for a grid of {width} x {height}",
            "publish one role per cell",
        )
    member(Role, int(roles.max()), source)
    return RoleMap(roles.reshape(height, width), image_size)


def _edge_fields(edges: EdgeMap | None) -> dict[str, Any]:
    if edges is None:
        return {"edges_width": 0, "edges_height": 0, "edges": np.empty(0, np.uint8)}
    height, width = edges.edges.shape
    packed = np.packbits(edges.edges, axis=1)
    return {"edges_width": width, "edges_height": height, "edges": packed.ravel()}


def _decode_edges(message: Any, image_size: tuple[int, int], source: str) -> EdgeMap | None:
    width, height = int(message.edges_width), int(message.edges_height)
    if width * height == 0:
        return None
    cells(source, "grid of edges", width, height)
    packed = np.frombuffer(message.edges, np.uint8)
    row_bytes = -(-width // 8)
    if packed.size != row_bytes * height:
        raise InputError(
            source,
            f"{packed.size} bytes of edges for a grid of {width} x {height}",
            f"publish a bit per cell, {row_bytes} bytes per row",
        )
    bits = np.unpackbits(packed.reshape(height, row_bytes), axis=1, count=width)
    return EdgeMap(bits.view(np.bool_), image_size)
