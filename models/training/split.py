"""Write split.json: which images and sequences train the model and which only measure it.

python -m models.training.split --data DIR
"""

import argparse
import json
from pathlib import Path

from .sources import SPLIT_FILE

DAVIS_HELD_OUT = {"camel", "car-shadow", "parkour", "dog", "kite-surf"}


def split(data: Path) -> dict[str, dict[str, list[str]]]:
    def names(pattern: str, base: str = "") -> list[str]:
        found = sorted(
            path.relative_to(data / base).as_posix() for path in (data / base).glob(pattern)
        )
        if not found:
            raise FileNotFoundError(
                f"expected files {pattern} under {data / base}, got none: check --data"
            )
        return found

    def every(items: list[str], nth: int, held_out: bool) -> list[str]:
        return [name for i, name in enumerate(items) if (i % nth == nth - 1) == held_out]

    coco = sorted(
        image["file_name"]
        for image in json.loads((data / "coco_instances/instances.json").read_text())["images"]
    )
    davis = [Path(name).with_suffix("").as_posix() for name in names("*/*.jpg", "davis/images")]
    kitti = names("lidar/kitti_sequence/image_02/*.jpg")
    parts: dict[str, dict[str, list[str]]] = {}
    for part, held_out in (("train", False), ("held_out", True)):
        parts[part] = {
            # CamVid's test part holds a drive (Seq05VD) that the other parts do not show.
            "camvid": names("test/*.*", "camvid")
            if held_out
            else names("train/*.*", "camvid") + names("val/*.*", "camvid"),
            "campus": every(names("*.jpg", "roads/campus/images"), 8, held_out),
            "coco": every(coco, 7, held_out),
            "davis": [name for name in davis if (name.split("/")[0] in DAVIS_HELD_OUT) == held_out],
            "asphalt": every(names("roads/cracked_asphalt/*.jpg"), 8, held_out),
            "kitti": kitti[28:] if held_out else kitti[:28:2],
            "nuscenes": [
                n for n in names("lidar/nuscenes_frame/*.jpg") if ("CAM_FRONT__" in n) == held_out
            ],
            "mixed": every(names("roads/mixed/*.jpg"), 8, held_out),
            "runway": every(names("airside/runway_simulated/**/*.*g"), 4, held_out),
            "surfaces": every(names("roads/surfaces/*/*.*g"), 8, held_out),
        }
    return parts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    SPLIT_FILE.write_text(json.dumps(split(parser.parse_args().data), indent=1) + "\n")
