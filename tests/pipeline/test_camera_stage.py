"""The camera stage on a tiny model of the true signature."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_model

from s2m_ros.config import Config, load
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.types import State
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import decode_compressed, encode_compressed, encode_image
from s2m_ros.wire.masks import decode_masks

FACTORY = RosbagsFactory()
BOX = (40, 100, 88, 140)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


def config(folder: Path, **settings: Any) -> Config:
    return load(None, {"perception.model.path": str(folder), **settings})


def stage(folder: Path, **settings: Any) -> CameraStage:
    made = CameraStage(config(folder, **settings), FACTORY)
    assert made.conditions.worst().state == State.BUILDING
    assert made.load()
    return made


def image(boxes: list[Any], ns: int = 7) -> Any:
    return encode_image(FACTORY, ns, "front_optical_frame", toy_model.scene(boxes))


def serialised(message: Any, kind: str) -> bytes:
    return bytes(FACTORY.typestore.serialize_cdr(message, kind))


def test_an_image_gives_masks_score_and_overlay_with_its_header(folder: Path) -> None:
    output = stage(folder).process(image([BOX]))
    masks = decode_masks(output.masks, "masks")
    assert (masks.stamp_ns, masks.frame_id, masks.camera) == (7, "front_optical_frame", "front")
    assert (masks.state, len(masks.items), masks.sequence) == (State.OK, 1, 1)
    np.testing.assert_allclose(masks.items[0].box, BOX, atol=8)
    assert output.score is not None
    assert (output.score.encoding, output.score.header.frame_id) == ("32FC1", masks.frame_id)
    scores = np.frombuffer(output.score.data, np.float32)
    assert scores.size == output.score.width * output.score.height
    assert scores.max() > 0.99
    assert output.overlay is not None
    picture = decode_compressed(output.overlay, "overlay")
    assert picture.shape == toy_model.scene([]).shape
    assert output.timings_ms["total"] > 0


def test_compressed_images(folder: Path) -> None:
    made = stage(folder, **{"intake.transport": "compressed"})
    output = made.process(encode_compressed(FACTORY, 7, "optical", toy_model.scene([BOX])))
    assert len(output.masks.masks) == 1
    output = made.process(FACTORY.make("sensor_msgs/msg/CompressedImage", format="jpeg"))
    assert output.masks.state == State.UNKNOWN
    assert output.masks.reason.startswith("camera/front/image_raw/compressed: 0 bytes")


def bad_images() -> list[Any]:
    unknown, cut, empty = image([BOX]), image([BOX]), image([BOX])
    unknown.encoding = "h264"
    cut.data = cut.data[:-100]
    empty.width = empty.height = 0
    unstamped = image([BOX])
    unstamped.header.stamp.sec = unstamped.header.stamp.nanosec = 0
    return [
        pytest.param(unknown, "encoding 'h264' is not supported", id="encoding"),
        pytest.param(cut, "truncated image data", id="truncated"),
        pytest.param(empty, "image of 0 x 0 pixels", id="empty"),
        pytest.param(unstamped, "stamp is zero", id="stamp"),
    ]


@pytest.mark.parametrize(("bad", "problem"), bad_images())
def test_a_bad_image_is_unknown_with_the_reason_and_the_next_good_one_recovers(
    folder: Path, bad: Any, problem: str
) -> None:
    made = stage(folder)
    output = made.process(bad)
    assert output.masks.state == State.UNKNOWN
    assert output.masks.reason.startswith(f"camera/front/image_raw: {problem}")
    assert len(output.masks.masks) == 0
    assert output.score is output.overlay is None
    assert made.conditions.worst().state == State.UNKNOWN
    assert made.drops["bad_image"] == 1
    assert made.process(image([BOX])).masks.state == State.OK
    assert made.conditions.worst().state == State.OK


def test_a_damaged_model_is_unknown_and_recovers_when_it_is_restored(
    folder: Path, tmp_path: Path
) -> None:
    damaged = toy_model.write(tmp_path / "model")
    encoder = next(damaged.glob("encoder*.onnx"))
    good = encoder.read_bytes()
    encoder.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    made = CameraStage(config(damaged), FACTORY)
    assert not made.load()
    output = made.process(image([BOX]))
    assert output.masks.state == State.UNKNOWN
    assert str(encoder) in output.masks.reason
    assert "sha256" in output.masks.reason
    assert made.drops["no_model"] == 1
    encoder.write_bytes(good)
    assert made.load()
    assert made.process(image([BOX])).masks.state == State.OK
    assert set(made.info) >= {"sha256", "provider"}


def test_before_the_model_is_loaded_nothing_is_clear(folder: Path) -> None:
    output = CameraStage(config(folder), FACTORY).process(image([]))
    assert output.masks.state == State.BUILDING
    assert output.masks.reason


def test_the_same_images_give_the_same_bytes(folder: Path) -> None:
    runs = []
    for _ in range(2):
        made = stage(folder)
        outputs = [made.process(image([BOX], ns)) for ns in (1, 2, 3)]
        runs.append(
            [serialised(o.masks, "s2m_msgs/msg/ObjectMaskArray") for o in outputs]
            + [serialised(o.score, "sensor_msgs/msg/Image") for o in outputs]
        )
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("check", "sent"), [("off", False), ("lidar", False), ("all", True)])
def test_edges_go_out_while_the_camera_is_compared(folder: Path, check: str, sent: bool) -> None:
    camera, ms = stage(folder, **{"fusion.calibration_check": check}), 1_000_000
    had = [
        decode_masks(camera.process(image([BOX], at_ms * ms)).masks, "masks").edges
        for at_ms in (1000, 1100, 1200, 1300, 400)  # the clock goes back at the end
    ]
    assert [edges is not None for edges in had] == [sent, False, sent, False, sent]
    assert all(edges.edges.any() for edges in had if edges is not None)
