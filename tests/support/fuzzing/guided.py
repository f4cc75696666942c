"""``python -m fuzzing.guided NAME``: atheris chooses what hypothesis draws by the
lines of ours that it reaches. Needs ``pip install atheris``; one target, runs until it is stopped.
"""

from __future__ import annotations

import sys

import atheris
from hypothesis import given, settings

with atheris.instrument_imports(include=["s2m_ros"]):
    from fuzzing.campaign import GOOD, outcome
    from fuzzing.targets import targets


def main() -> None:
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    target = next((t for t in targets() if t.name == asked), None)
    if target is None:
        sys.exit(f"expected one of: {', '.join(t.name for t in targets())}; got {asked!r}")

    @settings(database=None, deadline=None)
    @given(target.inputs)
    def one(value: object) -> None:
        how, where = outcome(target, value)
        assert how in GOOD, f"{how}: {value!r:.2000}\n{where}"

    atheris.Setup([sys.argv[0], *sys.argv[2:]], one.hypothesis.fuzz_one_input)  # type: ignore[attr-defined]
    atheris.Fuzz()


if __name__ == "__main__":
    main()
