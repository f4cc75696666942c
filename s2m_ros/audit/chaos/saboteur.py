"""``python -m s2m_ros.audit.chaos.saboteur``: a camera node whose model raises while a file exists.

The file is named by the environment variable S2M_SABOTAGE. Only the fault bench starts this.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

VARIABLE = "S2M_SABOTAGE"


def main() -> None:
    from s2m_ros.nodes.camera_node import main as node
    from s2m_ros.perception.pipeline import Perception

    flag = Path(os.environ[VARIABLE])
    whole = Perception.perceive

    def perceive(self: Perception, *image: Any, **about: Any) -> Any:
        if flag.exists():
            raise RuntimeError("the fault bench broke the model's session")
        return whole(self, *image, **about)

    Perception.perceive = perceive  # type: ignore[method-assign]
    node(sys.argv)


if __name__ == "__main__":
    main()
