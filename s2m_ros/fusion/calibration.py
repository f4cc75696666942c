"""Where each sensor sits on the vehicle, and the YAML file that says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from s2m_ros.documents import read_yaml
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_quaternion, to_quaternion
from s2m_ros.types import Float64, InputError


class Rig:
    """Extrinsics by frame, and intrinsics by camera where the file has them.

    frames: ``{frame_id: base_from_frame}``, float64 (4, 4); cameras: ``{name: CameraModel}``;
    camera_frames: ``{name: optical frame}``. The base frame itself is always known.
    """

    def __init__(
        self,
        frames: Mapping[str, Float64] | None = None,
        cameras: Mapping[str, CameraModel] | None = None,
        camera_frames: Mapping[str, str] | None = None,
        base_frame: str = "base_link",
    ) -> None:
        self.base_frame = base_frame
        self.frames: dict[str, Float64] = {base_frame: np.eye(4)}
        self.cameras = dict(cameras or {})
        self.camera_frames = dict(camera_frames or {})
        for frame, matrix in (frames or {}).items():
            self.add(frame, matrix)

    def __contains__(self, frame: str) -> bool:
        return frame in self.frames

    def add(self, frame: str, base_from_frame: Float64) -> None:
        """Set the extrinsics of a frame. Raises InputError for what is no rigid transform."""
        matrix = np.asarray(base_from_frame, float)
        if frame in self.frames and np.array_equal(self.frames[frame], matrix):
            return
        problem = ""
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
            problem = f"expected a finite (4, 4) matrix, got {matrix.tolist()}"
        elif not np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-3):
            problem = f"expected a rotation, got {matrix[:3, :3].tolist()}"
        elif np.linalg.det(matrix[:3, :3]) < 0:
            problem = "the rotation mirrors (determinant -1)"
        if problem:
            raise InputError(f"extrinsics of '{frame}'", problem, "correct the calibration")
        self.frames[frame] = matrix

    def base_from(self, frame: str) -> Float64:
        """Extrinsics ``base_from_frame``. Raises InputError naming the frames that are known."""
        try:
            return self.frames[frame]
        except KeyError:
            raise InputError(
                f"extrinsics of '{frame}'",
                f"no transform to '{self.base_frame}'; known: {', '.join(sorted(self.frames))}",
                "publish it on /tf_static, or name the frame in fusion.calibration_file",
            ) from None

    @classmethod
    def load(cls, path: str | Path) -> Rig:
        """Read the YAML that ``save`` writes. Raises InputError with file and entry."""
        source = str(path)
        try:
            tree = read_yaml(Path(path))
        except (OSError, ValueError) as error:
            raise InputError(source, f"not a readable YAML file ({error})", "correct it") from error
        if not isinstance(tree, dict) or not isinstance(tree.get("frames"), dict):
            raise InputError(
                source,
                "no 'frames' mapping",
                "write frames: {NAME: {translation, rotation}}, see Rig.save",
            )
        rig = cls(base_frame=str(tree.get("base_frame", "base_link")))
        for frame, entry in tree["frames"].items():
            try:
                matrix = from_quaternion(entry["translation"], entry["rotation"])
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise InputError(
                    f"{source}: frames.{frame}",
                    f"expected translation [x, y, z] and rotation [x, y, z, w] ({error!r})",
                    "correct the entry",
                ) from error
            rig.add(str(frame), matrix)
        cameras = tree.get("cameras") or {}
        if not isinstance(cameras, dict):
            raise InputError(source, "'cameras' is no mapping", "write cameras: {NAME: {...}}")
        for name, entry in cameras.items():
            try:
                rig.cameras[str(name)] = _camera(f"{source}: cameras.{name}", entry)
                if "frame" in entry:
                    rig.camera_frames[str(name)] = str(entry["frame"])
            except InputError:
                raise
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
                raise InputError(
                    f"{source}: cameras.{name}",
                    f"expected width, height, model, k, d ({error!r})",
                    "correct the entry",
                ) from error
        return rig

    def save(self, path: str | Path) -> None:
        """Write the rig as YAML: quaternions are (x, y, z, w), lengths metres."""
        tree: dict[str, Any] = {"base_frame": self.base_frame, "frames": {}}
        for frame, matrix in self.frames.items():
            if frame != self.base_frame:
                tree["frames"][frame] = {
                    "translation": matrix[:3, 3].tolist(),
                    "rotation": to_quaternion(matrix).tolist(),
                }
        if self.cameras:
            tree["cameras"] = {n: self._camera_entry(n, c) for n, c in self.cameras.items()}
        Path(path).write_text(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None))

    def _camera_entry(self, name: str, camera: CameraModel) -> dict[str, Any]:
        projection = np.column_stack([camera.matrix, camera.matrix @ camera.offset])
        frame = {"frame": self.camera_frames[name]} if name in self.camera_frames else {}
        return frame | {
            "width": camera.size[0],
            "height": camera.size[1],
            "model": camera.model,
            "rectified": camera.rectified,
            "k": camera.matrix.ravel().tolist(),
            "d": camera.distortion.tolist(),
            "r": camera.rotation.T.ravel().tolist(),
            "p": projection.ravel().tolist(),
        }


def _camera(source: str, entry: Mapping[str, Any]) -> CameraModel:
    return CameraModel.from_parameters(
        source,
        (entry["width"], entry["height"]),
        entry.get("model", "plumb_bob"),
        entry["k"],
        entry.get("d", ()),
        entry.get("p"),
        entry.get("r"),
        bool(entry.get("rectified", False)),
    )
