"""Valid messages, trees and bytes, made wrong in a few places."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from rosbags.interfaces import Nodetype

from s2m_ros.wire.factory import load_typestore

BOUNDS = {
    f"{sign}int{bits}": (0, 2**bits - 1) if sign else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    for bits in (8, 16, 32, 64)
    for sign in ("", "u")
} | {"byte": (0, 255), "char": (0, 255), "octet": (0, 255)}
ODD_FLOATS = (
    float("nan"), float("inf"), -float("inf"), 0.0, -0.0, -1.0, 1e-300, 1e-30, 1e9, 3.4e38, -1e300,
)  # fmt: skip
ODD_TEXTS = ("", "/", "\0", "..", "x" * 100_000, "rgb8", "nv12", "bayer_rggb8", "mono16",
             "base_link", "odom", "plumb_bob", "équidistant", "%s{}", "<b>", "\n" * 50)  # fmt: skip


@dataclass(frozen=True)
class Leaf:
    """One place in a message. kind: name of a base type, 'array' of numbers, or 'list'."""

    kind: str
    get: Callable[[], Any]
    set: Callable[[Any], None]
    fixed: bool = False


def leaves(message: Any) -> Iterator[Leaf]:
    """Every place of a rosbags message, nested ones included."""
    for name, (kind, spec) in load_typestore().fielddefs[message.__msgtype__][1]:
        value = getattr(message, name)
        at = (
            lambda m=message, n=name: getattr(m, n),
            lambda v, m=message, n=name: setattr(m, n, v),
        )
        if kind == Nodetype.BASE:
            yield Leaf(spec[0], *at)
        elif kind == Nodetype.NAME:
            yield from leaves(value)
        else:
            fixed = kind == Nodetype.ARRAY
            yield Leaf("array" if isinstance(value, np.ndarray) else "list", *at, fixed)
            if not isinstance(value, np.ndarray):
                for item in value[:3]:
                    if hasattr(item, "__msgtype__"):
                        yield from leaves(item)


@st.composite
def messages(draw: Any, bases: list[Any], most: int = 3) -> Any:
    """One of the messages with up to ``most`` places made odd, within the types of the fields."""
    message = copy.deepcopy(draw(st.sampled_from(bases)))
    for _ in range(draw(st.integers(0, most))):
        place = draw(st.sampled_from(list(leaves(message))))
        place.set(draw(_odd(place)))
    return message


def _odd(place: Leaf) -> st.SearchStrategy[Any]:
    value = place.get()
    if place.kind in BOUNDS:
        low, high = BOUNDS[place.kind]
        near = [value - 1, value + 1, value * 2, 0, 1, 2, 3, 127, 65_535, 2**31 - 1, low, high - 1]
        return st.sampled_from([n for n in [*near, high] if low <= n <= high]) | st.integers(
            low, high
        )
    if place.kind in ("float32", "float64"):
        width = 32 if place.kind == "float32" else 64
        odd = [float(np.float32(f)) for f in ODD_FLOATS] if width == 32 else list(ODD_FLOATS)
        return st.sampled_from(odd) | st.floats(width=width)
    if place.kind == "bool":
        return st.booleans()
    if place.kind == "array":
        return _arrays(value, place.fixed)
    if place.kind == "list":
        return _lists(value, place.fixed)
    return st.sampled_from(ODD_TEXTS) | st.text(max_size=12)


@st.composite
def _arrays(draw: Any, value: Any, fixed: bool) -> Any:
    changed = value.copy()
    how = draw(st.sampled_from(["element", "noise"] + ([] if fixed else ["cut", "grow", "none"])))
    if how == "none" or not len(changed):
        return changed if fixed else changed[:0]
    if how == "cut":
        return changed[: draw(st.integers(0, len(changed)))]
    if how == "grow":
        return np.concatenate([changed, changed, changed[: draw(st.integers(0, len(changed)))]])
    if how == "noise":
        data = draw(st.binary(min_size=1, max_size=64))
        flat = np.ascontiguousarray(changed).view(np.uint8).copy()
        start = draw(st.integers(0, max(0, flat.size - 1)))
        part = np.frombuffer(data, np.uint8)[: flat.size - start]
        flat[start : start + len(part)] = part
        return flat.view(changed.dtype)
    i = draw(st.integers(0, len(changed) - 1))
    if changed.dtype.kind == "f":
        changed[i] = np.array(draw(st.sampled_from(ODD_FLOATS))).astype(changed.dtype)
    elif changed.dtype.kind in "iu":
        info = np.iinfo(changed.dtype)
        changed[i] = draw(st.sampled_from([0, 1, int(info.min), int(info.max)]))
    return changed


@st.composite
def _lists(draw: Any, value: Any, fixed: bool) -> Any:
    items = list(value)
    if fixed or not items:
        return items
    i = draw(st.integers(0, len(items) - 1))
    return draw(
        st.sampled_from([[], items[:i] + items[i + 1 :], [*items, items[i]], [items[i]] * 300])
    )


@st.composite
def damaged(draw: Any, whole: bytes, most: int = 6) -> bytes:
    """The bytes cut short, with bytes flipped, or with a part doubled."""
    data = bytearray(whole)
    if draw(st.integers(0, 3)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    for _ in range(draw(st.integers(0, most))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if data and draw(st.integers(0, 9)) == 0:
        i = draw(st.integers(0, len(data) - 1))
        data[i:i] = data[i : i + draw(st.integers(1, 64))]
    return bytes(data)


ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**30, "", "x" * 10_000, [], {}, [[]], {"a": {}}, float("nan"),
    float("inf"), 1e300, "{x.__class__}", "{level:99999999999d}", "../../..", [0] * 500, "1e400",
)  # fmt: skip


@st.composite
def trees(draw: Any, whole: Any, most: int = 3) -> Any:
    """A tree of dicts and lists with some nodes replaced, removed, doubled or renamed."""
    tree = copy.deepcopy(whole)
    for _ in range(draw(st.integers(0, most))):
        places = list(_places(tree))
        if not places:
            return copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        holder, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(["value", "value", "noise", "remove", "wrap", "rename"]))
        if how == "value":
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD_VALUES)))
        elif how == "noise":
            holder[key] = draw(st.integers() | st.floats() | st.text(max_size=8))
        elif how == "remove":
            del holder[key]
        elif how == "wrap":
            holder[key] = [holder[key]] if draw(st.booleans()) else {"x": holder[key]}
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=6))] = holder.pop(key)
    return tree


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    keys = (
        list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    )
    for key in keys:
        yield tree, key
        yield from _places(tree[key])
