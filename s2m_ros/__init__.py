"""s2m_ros: find every unknown object on an airport apron, place it, track it, judge it."""

import os
import sys

__version__ = "0.1.0"

# Nothing leaves the vehicle unasked. ONNX Runtime and OpenVINO tell their makers of each use, from
# threads and processes that they start when they are imported; this must come before.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
