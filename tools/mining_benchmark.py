"""Many short bags on Ray: `tools/env python tools/mining_benchmark.py --bags 1000`.

Each bag is half a second of a drive that a tiny model looks at (tests/support), one in fifty is
poisoned: its bytes are noise. Prints

- bags a second with one worker and with two, on the first bags;
- all bags with two workers, the driver killed with kill -9 in the middle and started again: what
  was done, what was passed over, and which bags were begun twice.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import ast
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
for _place in (ROOT / "tests" / "support", ROOT / "tools", ROOT):
    sys.path.insert(0, str(_place))

from s2m_ros.audit.mining.jobs import DONE, KNOWN, Ray, load_all, run, work
from s2m_ros.audit.mining.meeting import Options
from s2m_ros.config import load

POISONED = 50
FRAMES = 5
SETTINGS = {
    "perception.model.threads": 1,
    "perception.model.providers": ["CPUExecutionProvider"],  # OpenVINO compiles at each start
    "audit.picture_width": 320,
}
BEGUN = "begun.txt"


def logged(source: str, options: Options) -> bytes:
    """The task, after a note that it was begun."""
    with (Path(source).parent / BEGUN).open("a") as file:
        file.write(Path(source).name + "\n")
    return work(source, options)


def make_bags(folder: Path, count: int) -> list[Path]:
    """Bags of one drive, one in POISONED of noise; the model beside them."""
    import drives
    import toy_model

    folder.mkdir(parents=True, exist_ok=True)
    toy_model.write(folder / "model")
    drives.FRAMES = FRAMES
    first = drives.write_drive(folder / "drive", results=False)
    (recording,) = first.glob("*.mcap")
    bags = []
    for i in range(count):
        bag = folder / f"bag_{i:04}.mcap"
        if i % POISONED == POISONED - 1:
            bag.write_bytes(os.urandom(20_000))
        else:
            shutil.copyfile(recording, bag)
        bags.append(bag)
    return bags


def mine(folder: Path, bags: list[Path], out: Path, workers: int) -> Counter[str]:
    """Bags that were done, done before, passed over; milliseconds from the first to the last."""
    config = load(None, {**SETTINGS, "perception.model.path": str(folder / "model")})
    told: Counter[str] = Counter()
    first = last = 0.0

    def advance(source: str, what: str) -> None:
        nonlocal first, last
        told[what if what in (DONE, KNOWN) else "passed over"] += 1
        if what != KNOWN:
            last = time.monotonic()
            first = first or last
            print(f"{told.total()} {source}", flush=True)

    run(bags, Options(config), out, Ray("local", workers, logged), advance=advance)
    told["milliseconds"] = round(1e3 * (last - first))
    return told


def speed(folder: Path, bags: list[Path], workers: int) -> float:
    """Bags a second, the first of them left out: it waits for Ray's processes."""
    told = _driver(folder, len(bags), folder / f"out_{workers}", workers).communicate()[0]
    (line,) = (line for line in told.splitlines() if line.startswith("{"))
    return (len(bags) - 1) / (ast.literal_eval(line)["milliseconds"] * 1e-3)


def _driver(folder: Path, count: int, out: Path, workers: int) -> subprocess.Popen[str]:
    places = os.pathsep.join(str(ROOT / name) for name in ("", "tools", "tests/support"))
    return subprocess.Popen(
        [sys.executable, __file__, "--driver", str(folder), str(count), str(out), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": f"{places}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
    )


def killed(folder: Path, bags: list[Path], workers: int) -> None:
    """Kill the driver in the middle, start it again, and print what that cost."""
    out = folder / "out_all"
    (folder / BEGUN).unlink(missing_ok=True)
    begun = time.monotonic()
    process = _driver(folder, len(bags), out, workers)
    assert process.stdout is not None
    for line in process.stdout:
        if line.split()[0] == str(len(bags) // 2):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(5.0)  # Ray's processes end with their driver
    told, _ = _driver(folder, len(bags), out, workers).communicate()
    spent = time.monotonic() - begun
    print(told.splitlines()[-1])
    times = Counter((folder / BEGUN).read_text().split())
    again = sorted(name for name, count in times.items() if count > 1)
    parts = load_all(out)
    found = sum(len(met.specimens) for met in parts)
    print(f"all bags        {len(bags)} in {spent:.0f} s with {workers} workers and one kill -9")
    print(f"mined           {len(parts)} of {len(bags) - len(bags) // POISONED}, {found} objects")
    print(f"begun twice     {len(again)}: {', '.join(again) or 'none'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=1000)
    parser.add_argument(
        "--scale", type=int, default=100, help="Bags to compare one worker by; 0: do not."
    )
    parser.add_argument("--driver", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.driver:
        folder, count, out, workers = given.driver
        bags = sorted(Path(folder).glob("bag_*.mcap"))[: int(count)]
        print(dict(mine(Path(folder), bags, Path(out), int(workers))))
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bags = make_bags(folder, given.bags)
        if some := bags[: given.scale]:
            one, two = (speed(folder, some, workers) for workers in (1, 2))
            print(f"one worker      {one:.2f} bags/s on {len(some)} bags")
            print(f"two workers     {two:.2f} bags/s, {two / one:.2f} times as many", flush=True)
        killed(folder, bags, 2)


if __name__ == "__main__":
    main()
