"""KITTI folders become bags: against the projection by hand, and on the real sequence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from s2m_ros.bags import BagError, BagReader, kitti
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.types import Float64
from s2m_ros.wire.camera_info import decode_camera_info
from s2m_ros.wire.image import decode_compressed, decode_image
from s2m_ros.wire.pointcloud import decode_sweep
from s2m_ros.wire.tf import decode_transforms

P2 = np.array([[700.0, 0, 60, 42], [0, 700, 40, 0.2], [0, 0, 1, 0.003]])
R0 = cv2.Rodrigues(np.array([0.01, -0.02, 0.005]))[0]
TR = np.array([[0, -1.0, 0, 0.01], [0, 0, -1, -0.07], [1, 0, 0, -0.27]])
POINTS = np.random.default_rng(5).uniform((4, -3, -2, 0), (40, 3, 1, 1), (50, 4)).astype("f4")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "kitti"
    (source / "image_02").mkdir(parents=True)
    (source / "velodyne_front").mkdir()
    for i in range(3):
        ramp = np.broadcast_to(np.arange(120, dtype=np.uint8)[None, :, None], (80, 120, 3)) + i
        cv2.imwrite(str(source / "image_02" / f"{i:04d}.png"), ramp)
        np.savez(source / "velodyne_front" / f"{i:04d}.npz", xyzi=POINTS)
    entries = {"P2": P2, "R0_rect": R0, "Tr_velo_to_cam": TR}
    lines = [f"{k}: {' '.join(f'{x:.12e}' for x in v.ravel())}" for k, v in entries.items()]
    (source / "calib.txt").write_text("\n".join(lines) + "\n")
    return source


def project(points: Float64) -> Float64:
    """KITTI's own chain: P2 R0_rect Tr_velo_to_cam x."""
    camera = R0 @ (TR[:, :3] @ points.T + TR[:, 3:])
    pixels = P2 @ np.vstack([camera, np.ones(len(points))])
    return np.asarray((pixels[:2] / pixels[2]).T)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_bag_holds_images_sweeps_and_calibration(
    folder: Path, tmp_path: Path, compressed: bool
) -> None:
    done = kitti.convert(folder, tmp_path / "bag", compressed=compressed)
    assert (done.frames, done.sweeps, done.without_sweep) == (3, 3, ())
    topic = "/camera/front/image_raw" + ("/compressed" if compressed else "")
    with BagReader(done.bag) as bag:
        kinds = {t.name: (t.count, t.latched) for t in bag.topics}
        assert kinds == {
            topic: (3, False),
            "/camera/front/camera_info": (3, False),
            "/points": (3, False),
            "/tf_static": (1, True),
        }
        images = [bag.decode(m) for m in bag.messages([topic])]
        sweeps = [decode_sweep(bag.decode(m), "points")[0] for m in bag.messages(["points"])]
    decode = decode_compressed if compressed else decode_image
    assert np.array_equal(decode(images[1], topic)[0, :, 0], np.arange(120) + 1)
    assert np.array_equal(sweeps[2].points, POINTS[:, :3])
    assert np.diff([s.stamp_ns for s in sweeps]).tolist() == [100_000_000] * 2


def test_a_lidar_point_lands_on_the_pixel_that_kitti_says(folder: Path, tmp_path: Path) -> None:
    done = kitti.convert(folder, tmp_path / "bag")
    with BagReader(done.bag) as bag:
        info = bag.decode(next(bag.messages(["camera/front/camera_info"])))
        static = bag.decode(next(bag.messages(["tf_static"])))
    camera = decode_camera_info(info, "camera_info")
    frames = {t.child: t.parent_from_child for t in decode_transforms(static, "/tf_static")}
    camera_from_lidar = invert(frames[kitti.OPTICAL_FRAME]) @ frames[kitti.LIDAR_FRAME]
    points = POINTS[:, :3].astype(np.float64)
    pixels, _ = camera.project(apply(camera_from_lidar, points))
    assert np.allclose(pixels - 0.5, project(points), atol=1e-3)
    rig = Rig.load(done.bag / "calibration.yaml")
    assert np.allclose(rig.base_from(kitti.LIDAR_FRAME), frames[kitti.LIDAR_FRAME])
    assert rig.camera_frames["front"] == kitti.OPTICAL_FRAME


def test_a_missing_sweep_is_told(folder: Path, tmp_path: Path) -> None:
    (folder / "velodyne_front" / "0001.npz").unlink()
    done = kitti.convert(folder, tmp_path / "bag")
    assert (done.sweeps, done.without_sweep) == (2, ("0001",))


def test_what_is_no_kitti_folder(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no images under image_02"):
        kitti.convert(tmp_path, tmp_path / "bag")
    (folder / "calib.txt").write_text("P2: 1 2 3\n")
    with pytest.raises(BagError, match=r"calib\.txt.*no entry P2 of 12 numbers"):
        kitti.convert(folder, tmp_path / "bag")
    (folder / "calib.txt").unlink()
    with pytest.raises(BagError, match=r"calib\.txt.*cannot be read"):
        kitti.convert(folder, tmp_path / "bag")


def test_files_that_are_cut(folder: Path, tmp_path: Path) -> None:
    (folder / "image_02" / "0000.png").write_bytes(b"")
    with pytest.raises(BagError, match=r"0000\.png.*not an image"):
        kitti.convert(folder, tmp_path / "a")
    path = folder / "velodyne_front" / "0001.npz"
    np.savez(path, other=POINTS)
    with pytest.raises(BagError, match=r"0001\.npz.*not a sweep"):
        kitti.read_sweep(path, 0)


@pytest.mark.data
def test_the_real_sequence(data_dir: Path, tmp_path: Path) -> None:
    """The road is base_link's ground, and the car ahead falls on the picture's middle."""
    done = kitti.convert(data_dir / "lidar" / "kitti_sequence", tmp_path / "bag")
    assert (done.frames, done.sweeps) == (40, 40)
    with BagReader(done.bag) as bag:
        assert 3.89e9 < bag.duration_ns < 3.91e9
        info = bag.decode(next(bag.messages(["camera/front/camera_info"])))
        message = bag.decode(next(bag.messages(["points"])))
    camera = decode_camera_info(info, "camera_info")
    rig = Rig.load(done.bag / "calibration.yaml")
    sweep, _ = decode_sweep(message, "points")
    base = apply(rig.base_from(kitti.LIDAR_FRAME), sweep.points.astype(np.float64))
    near = base[(np.hypot(base[:, 0] - 8, base[:, 1]) < 4)]
    assert abs(np.percentile(near[:, 2], 5)) < 0.2  # base_link lies on the road
    car = base[(base[:, 0] > 6) & (base[:, 0] < 20) & (abs(base[:, 1]) < 1) & (base[:, 2] > 0.4)]
    pixels, held = camera.project(apply(invert(rig.base_from(kitti.OPTICAL_FRAME)), car))
    assert held.mean() > 0.9
    assert np.all((pixels[held, 1] > 100) & (pixels[held, 1] < 320))
