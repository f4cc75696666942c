"""How long a graph may take on a Jetson, on paper: from its counted cost and data sheets.

Nothing here was measured. Two figures span what is likely:

    least   the longer of arithmetic at the dense peak and traffic at full bandwidth, where only
            half of the activations leave the chip (fused with what comes after)
    likely  arithmetic at ``EFFICIENCY`` of the peak, plus all activations written and read once at
            ``BANDWIDTH`` of the bandwidth, plus ``LAUNCH_S`` for each node
"""

from __future__ import annotations

from dataclasses import dataclass

from .operations import Cost

EFFICIENCY = 0.15
"""Share of the dense peak in single pictures: about what MLPerf's single-stream ResNet-50 on AGX
Orin comes to (some 0.6 ms for 4.1 GMAC in int8)."""
BANDWIDTH = 0.6
LAUNCH_S = 8e-6


@dataclass(frozen=True, slots=True)
class Device:
    """Data sheet: dense peaks of the GPU, without DLA and sparsity, and its memory."""

    name: str
    fp16_tflops: float
    fp32_tflops: float
    gigabytes_per_s: float


DEVICES = (
    # Tensor cores: a quarter of the sparse int8 TOPS of the GPU (170 and 60). fp32: CUDA cores
    # (2048 at 1.3 GHz, 1024 at 0.918 GHz), two operations a cycle.
    Device("Jetson AGX Orin 64GB", 42.5, 5.3, 204.8),
    Device("Jetson Orin NX 16GB", 15.0, 1.9, 102.4),
)


def estimate_ms(cost: Cost, device: Device, precision: str) -> tuple[float, float]:
    """(least, likely) milliseconds of one run in 'fp16' or 'fp32'."""
    size, peak = (2, device.fp16_tflops) if precision == "fp16" else (4, device.fp32_tflops)
    arithmetic_s = 2 * cost.total_macs / (peak * 1e12)
    traffic_s = 2 * cost.activations * size / (device.gigabytes_per_s * 1e9)
    least = max(arithmetic_s, traffic_s / 2)
    likely = arithmetic_s / EFFICIENCY + traffic_s / BANDWIDTH + LAUNCH_S * cost.nodes
    return 1e3 * least, 1e3 * likely
