"""An hour of driving in `s2m explain` and `s2m review`.

`tools/env python tools/review_benchmark.py STORE`

Makes a long store out of a short one, its messages again and again at later stamps, and prints:
the time of `explain` for one track, without the start of Python; and in headless Chromium the first
paint of the review page, and the time from a key to the next picture at random places.
"""

from __future__ import annotations

import argparse
import random
import shutil
import struct
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from s2m_ros.audit.explain.chain import Rules, of_track
from s2m_ros.audit.explain.links import links
from s2m_ros.audit.review.serving import listen, make_server
from s2m_ros.config import Audit
from s2m_ros.store import Store, StoreWriter
from s2m_ros.store.index import read
from s2m_ros.store.segment import Stored
from s2m_ros.wire import topics
from s2m_ros.wire.factory import load_typestore

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def repeated(source: Path, out: Path, frames: int) -> None:
    """A store of at least so many frames, whose tracks are new ones at each turn."""
    rules = Audit(keep="all", min_free_mb=0)
    with Store(source) as store:
        begin, end = store.span_ns
        length = end - begin + 100_000_000
        names = {"/" + topics.MARKERS, "/" + topics.TRIGGERS, topics.TF_STATIC}
        held = [m for m in store.messages() if m.topic not in names]
        count = len(store.frames(store.cameras[0]))
        with StoreWriter(out, rules, store.about, wait=True) as writer:
            for turn in range(-(-frames // count)):
                for message in held:
                    moved = shifted(message, turn, turn * length)
                    writer.put(moved.topic, moved.kind, moved.data, moved.stamp_ns)


def shifted(message: Stored, turn: int, by_ns: int) -> Stored:
    """The message at a later stamp."""
    ns = message.stamp_ns + by_ns
    data = bytearray(message.data)
    if message.topic.strip("/") in (topics.HAZARDS, topics.TRACKS):
        value = read(message)
        for item in getattr(value, "hazards", None) or getattr(value, "tracks", []):
            name = "track_id" if hasattr(item, "track_id") else "id"
            setattr(item, name, getattr(item, name) + 1000 * turn)
            for seen in (item.first_seen, item.last_seen):
                later = seen.sec * 1_000_000_000 + seen.nanosec + by_ns
                seen.sec, seen.nanosec = divmod(later, 1_000_000_000)
        data = bytearray(load_typestore().serialize_cdr(value, message.kind))
    struct.pack_into("<iI", data, 4, *divmod(ns, 1_000_000_000))
    return Stored(message.topic, message.kind, ns, bytes(data))


def explain(path: Path) -> None:
    with Store(path) as store:
        tracks = [span.track for span in store.tracks()]
        first, last = store.span_ns
    spent = []
    for number in random.Random(0).sample(tracks, min(5, len(tracks))):
        begun = time.perf_counter()
        with Store(path) as store:
            links(of_track(store, number), Rules.of(store))
        spent.append(time.perf_counter() - begun)
    print(f"store           {(last - first) * 1e-9:.0f} s, {len(tracks)} tracks")
    best, worst = 1e3 * min(spent), 1e3 * max(spent)
    print(f"explain         {best:.0f} ms best, {worst:.0f} ms worst of {len(spent)} tracks")


def review(path: Path, seeks: int) -> None:
    from playwright.sync_api import sync_playwright

    browser = next(found for name in BROWSERS if (found := shutil.which(name)))
    with Store(path) as store, listen(0) as socket, tempfile.TemporaryDirectory() as out:
        server = make_server(store, Path(out))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        count = len(store.frames(store.cameras[0]))
        with sync_playwright() as driver:
            opened = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
            page = opened.new_page(viewport={"width": 1600, "height": 900})
            page.set_default_timeout(120_000)
            paints, readies, took = [], [], []
            for _ in range(3):
                begun = time.perf_counter()
                page.goto(f"http://127.0.0.1:{socket.getsockname()[1]}/")
                page.wait_for_selector("body[data-ready]")
                readies.append(1e3 * (time.perf_counter() - begun))
                entries = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
                paints.append(float(page.evaluate(entries)))
            box = page.locator("#time").bounding_box()
            rng = random.Random(0)
            assert box is not None
            for _ in range(seeks):
                before = page.evaluate("document.body.dataset.frame")
                at = box["x"] + rng.random() * (box["width"] - 2)
                page.mouse.click(at, box["y"] + 10)
                page.wait_for_selector(f'body:not([data-frame="{before}"])')
                took.append(float(page.evaluate("document.body.dataset.seekMs")))
            opened.close()
        server.should_exit = True
        thread.join(20)
    print(f"frames          {count}")
    print(f"first paint     {min(paints):.0f} ms best, {max(paints):.0f} ms worst of {len(paints)}")
    print(f"all there       {min(readies):.0f} ms best, {max(readies):.0f} ms worst")
    p50, p95 = np.percentile(took, [50, 95])
    print(f"seek            p50 {p50:.0f} ms, p95 {p95:.0f} ms, best {min(took):.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--seeks", type=int, default=40)
    parser.add_argument("--long", type=Path, help="Where the long store lies, or is to be left.")
    parser.add_argument("--no-page", action="store_true", help="Measure `explain` alone.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = given.long or Path(folder) / "long"
        if not path.exists():
            repeated(given.store, path, given.frames)
        explain(path)
        if not given.no_page:
            review(path, given.seeks)


if __name__ == "__main__":
    main()
