"""The estimate for Jetsons is the arithmetic that it says it is."""

from __future__ import annotations

import pytest

from s2m_ros.runtime.estimate import DEVICES, Device, estimate_ms
from s2m_ros.runtime.operations import Cost

DEVICE = Device("paper", 10.0, 1.0, 100.0)


def test_by_hand() -> None:
    cost = Cost(nodes=100, macs={"Conv": 3 * 10**9}, weights=0, activations=50 * 10**6)
    # 6 GFLOP at 10 TFLOPS: 0.6 ms; 200 MB at 100 GB/s: 2 ms
    assert estimate_ms(cost, DEVICE, "fp16") == pytest.approx((1.0, 0.6 / 0.15 + 2 / 0.6 + 0.8))
    # 6 ms at 1 TFLOPS; 400 MB: 4 ms
    assert estimate_ms(cost, DEVICE, "fp32") == pytest.approx((6.0, 6 / 0.15 + 4 / 0.6 + 0.8))


@pytest.mark.parametrize("device", DEVICES)
def test_fewer_bits_are_faster_and_the_likely_is_not_the_least(device: Device) -> None:
    cost = Cost(nodes=300, macs={"Conv": 5 * 10**9}, weights=0, activations=2 * 10**8)
    half, whole = (estimate_ms(cost, device, precision) for precision in ("fp16", "fp32"))
    assert half[0] < half[1] < whole[1]
