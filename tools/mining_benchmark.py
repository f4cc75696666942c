"""Many short bags on Ray: `tools/env python tools/mining_benchmark.py --bags 1000`.

Mines an archive of `tools/short_bags.py`, one bag in fifty of it spoilt in one of five ways, with
the default model on small images. Prints

- bags a second with one worker and with as many as were asked for, on the first bags;
- all bags, the driver killed with kill -9 in the middle and started again: what was mined, what was
  passed over and why, and which bags were begun twice.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import short_bags

from s2m_ros.audit.mining.jobs import DONE, KNOWN, PARTS, Ray, load_all, run, work
from s2m_ros.audit.mining.meeting import Options
from s2m_ros.config import load

SETTINGS = {
    "perception.model.threads": 1,
    "perception.model.providers": ["CPUExecutionProvider"],  # OpenVINO compiles at each start
    "perception.model.width": 320,
    "perception.model.height": 192,
    "audit.picture_width": 480,
}
BEGUN = "S2M_BEGUN"
"""Names the file that each task notes itself in."""


def logged(source: str, options: Options) -> bytes:
    """The task, after a note that it was begun."""
    with Path(os.environ[BEGUN]).open("a") as file:
        file.write(Path(source).name + "\n")
    return work(source, options)


def mine(bags: list[Path], out: Path, workers: int) -> None:
    """Print a line for each bag, and at the end the seconds from the first to the last."""
    begun = ended = 0.0
    told = 0

    def advance(source: str, what: str) -> None:
        nonlocal begun, ended, told
        told += 1
        if what != KNOWN:
            ended = time.monotonic()
            begun = begun or ended
        said = what if what in (DONE, KNOWN) else "passed over"
        print(f"{told} {Path(source).name} {said}", flush=True)

    run(bags, Options(load(None, SETTINGS)), out, Ray("local", workers, logged), advance=advance)
    print(ended - begun)


def _driver(bags: list[Path], out: Path, workers: int) -> subprocess.Popen[str]:
    places = os.pathsep.join(str(ROOT / name) for name in ("", "tools"))
    path = f"{places}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    out.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, __file__, "--driver", str(bags[0].parent), str(len(bags)), str(out),
         str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, BEGUN: str(out / "begun.txt")},
    )  # fmt: skip


def speed(bags: list[Path], out: Path, workers: int) -> float:
    """Bags a second, the first of them left out: it waits for Ray's processes."""
    told = _driver(bags, out, workers).communicate()[0]
    return (len(bags) - 1) / float(told.splitlines()[-1])


def killed(bags: list[Path], out: Path, workers: int) -> None:
    """Kill the driver in the middle, start it again, and print what that cost."""
    begun = time.monotonic()
    process = _driver(bags, out, workers)
    assert process.stdout is not None
    for line in process.stdout:
        if line.split()[0] == str(len(bags) // 2):
            break
    time.sleep(1.0)  # well inside the next one
    process.send_signal(signal.SIGKILL)
    process.wait()
    print(
        f"kill -9         after {len(bags) // 2} bags, {time.monotonic() - begun:.0f} s", flush=True
    )
    time.sleep(5.0)  # Ray's processes end with their driver
    told = _driver(bags, out, workers).communicate()[0]
    spent = time.monotonic() - begun
    again = Counter(line.split(maxsplit=2)[2] for line in told.splitlines()[:-1])
    print(f"started again   {dict(again)}")
    parts = load_all(out)
    found = sum(len(met.specimens) for met in parts)
    work_s = sum(met.seconds for met in parts)
    print(f"all bags        {len(bags)} in {spent:.0f} s with {workers} worker(s), one kill -9")
    print(f"mined           {len(parts)}, {found} objects, {work_s / len(parts):.2f} s a bag")
    failed = [json.loads(path.read_text()) for path in (out / PARTS).glob("*.failed")]
    why = {Path(one["source"]).name: str(one["why"]) for one in failed}
    spoilt = short_bags.poisoned(bags)
    same = why.keys() == spoilt.keys()
    print(f"passed over     {len(why)}; spoilt were {len(spoilt)}, the same: {same}")
    for kind in short_bags.POISONS:
        told_of = [why.get(name, "not noticed") for name, how in spoilt.items() if how == kind]
        if told_of:
            print(
                f"  {kind:24s}{len(told_of)}: {told_of[0].replace(str(bags[0].parent), '')[:110]}"
            )
    times = Counter((out / "begun.txt").read_text().split())
    twice = sorted(name for name, count in times.items() if count > 1)
    print(f"begun twice     {len(twice)}: {', '.join(twice) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=1000)
    parser.add_argument("--archive", type=Path, help="Where the bags lie, or are to be left.")
    parser.add_argument("--out", type=Path, help="Where the results are to be left.")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--scale", type=int, default=100, help="Bags to compare one worker by; 0: do not."
    )
    parser.add_argument("--driver", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.driver:
        folder, count, out, workers = given.driver
        bags = sorted(Path(folder).glob("bag_*.mcap"))[: int(count)]
        mine(bags, Path(out), int(workers))
        return
    with tempfile.TemporaryDirectory() as place:
        bags = short_bags.make(given.archive or Path(place) / "bags", given.bags, given.workers)
        out = given.out or Path(place) / "out"
        if some := bags[: given.scale]:
            one, more = (speed(some, out / f"{n}", n) for n in (1, given.workers))
            print(f"one worker      {one:.2f} bags/s on {len(some)} bags")
            times = more / one
            print(f"{given.workers} workers       {more:.2f} bags/s, {times:.2f} times as many")
        if len(bags) > given.scale:
            killed(bags, out / "all", given.workers)


if __name__ == "__main__":
    main()
