"""Nothing leaves the vehicle unasked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("library", ["onnxruntime", "openvino"])
def test_inference_runtimes_tell_nobody_of_their_use(library: str, tmp_path: Path) -> None:
    """They would, from threads and processes of their own, with an identity kept in the home."""
    pytest.importorskip(library)
    # Some of them keep quiet on a build server by themselves.
    unset = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "JENKINS_URL", "XDG_CACHE_HOME")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    said = subprocess.run(
        [
            sys.executable, "-c",
            "import multiprocessing, os, time\n"
            f"import s2m_ros, {library}\n"
            "time.sleep(0.5)\n"
            "print(len(os.listdir('/proc/self/task')), multiprocessing.active_children())\n",
        ],
        env={**environment, "HOME": str(tmp_path), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.strip() == "1 []"
    assert not list(tmp_path.rglob("*"))
