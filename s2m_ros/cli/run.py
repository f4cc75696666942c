"""``s2m run``: unknown objects in plain images. Needs no ROS."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s2m_ros.cli._options import ConfigFile, Model, Scorer, Segmenter, Settings, overrides, progress

if TYPE_CHECKING:
    from s2m_ros.perception import Frame
    from s2m_ros.types import UInt8


def run(
    images: Annotated[list[Path], typer.Argument(help="Images, or folders of images.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "out/run"
    ),
    scorer: Scorer = None,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    heat: Annotated[bool, typer.Option(help="Show the score map in the overlay.")] = True,
) -> None:
    """Find unknown objects in plain images; needs no ROS.

    For each image: STEM_overlay.jpg, STEM_masks.png (16 bit, mask ids), STEM_score.png
    (16 bit, 0 to 6.5 decades of rarity) and STEM.json (boxes, run-length masks, evidence, drops).
    """
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.config import load
    from s2m_ros.perception import images as files
    from s2m_ros.runtime.build import build_perception
    from s2m_ros.types import InputError

    console = Console()
    settings = load(config, overrides(scorer, model, segmenter, set_))
    paths = files.expand(images)
    perception = build_perception(settings.perception)
    out.mkdir(parents=True, exist_ok=True)
    info = perception.info
    table = Table(
        title=f"{info['model']} {info['version']}, scorer {info['scorer']}, {info['provider']}",
        title_justify="left",
    )
    table.add_column("image", overflow="fold")
    table.add_column("size", justify="right")
    table.add_column("objects", justify="right")
    table.add_column("best", justify="right")
    table.add_column("dropped candidates")
    table.add_column("ms", justify="right")
    failures: list[str] = []
    with progress("images", len(paths), console) as advance:
        for path, stem in zip(paths, _stems(paths), strict=True):
            try:
                image = files.read_rgb(path)
                frame = perception.perceive(image)
            except InputError as error:
                failures.append(str(error))
                table.add_row(str(path), "", "[red]unreadable[/red]", "", "", "")
            else:
                save(out, stem, path, image, frame, info, heat)
                table.add_row(*_row(path, frame))
            advance()
    console.print(table)
    console.print(f"results: {out}")
    if failures:
        stderr = Console(stderr=True, highlight=False, soft_wrap=True)
        for text in failures:
            stderr.print(f"error: {text}", style="red", markup=False)
        raise typer.Exit(1)


def save(
    out: Path,
    stem: str,
    source: Path,
    image: UInt8,
    frame: Frame,
    info: Mapping[str, str],
    heat: bool = True,
) -> None:
    """Write the four files of one image."""
    import numpy as np

    from s2m_ros.perception import draw
    from s2m_ros.perception import images as files
    from s2m_ros.perception.overlay import score_image

    overlay = draw(image, frame.masks, frame.score if heat else None)
    files.write(out / f"{stem}_overlay.jpg", overlay)
    files.write(out / f"{stem}_masks.png", files.instances(frame.masks))
    score = np.asarray(np.rint(score_image(frame.score) * 65535), np.uint16)
    files.write(out / f"{stem}_score.png", score)
    text = json.dumps(document(stem, source, frame, info), indent=1)
    (out / f"{stem}.json").write_text(text + "\n")


def document(stem: str, source: Path, frame: Frame, info: Mapping[str, str]) -> dict[str, Any]:
    """The result of one image in the manner of COCO: boxes are x, y, width, height in pixels."""
    from s2m_ros.perception import images as files
    from s2m_ros.perception.calibration import RARITY_LIMIT

    masks = frame.masks
    width, height = masks.image_size
    annotations = []
    for item in masks.items:
        bits = files.at_image_size(masks, item)
        x0, y0, x1, y1 = (round(float(v), 1) for v in item.box)
        annotations.append(
            {
                "id": item.id,
                "bbox": [x0, y0, round(x1 - x0, 1), round(y1 - y0, 1)],
                "area": int(bits.sum()),
                "segmentation": {"size": [height, width], "counts": files.coco_counts(bits)},
                "score": round(item.evidence, 4),
                "evidence": {
                    "score_mean": round(item.score_mean, 7),
                    "score_max": round(item.score_max, 7),
                    "contrast": round(item.contrast, 3),
                    "predicted_iou": round(item.predicted_iou, 3),
                },
                "prompt": {
                    "box": [round(float(v), 1) for v in item.prompt.box],
                    "points": [[round(float(v), 1) for v in p] for p in item.prompt.points],
                    "peak": round(item.prompt.peak, 3),
                    "contrast": round(item.prompt.contrast, 3),
                },
            }
        )
    return {
        "image": {"file_name": str(source), "width": width, "height": height},
        "model": dict(info),
        "state": masks.state.name,
        "annotations": annotations,
        "prompts": len(frame.prompts),
        "drops": dict(masks.drops),
        "score_map": {
            "file_name": f"{stem}_score.png",
            "meaning": f"-log10(1 - F_ID) = value / 65535 * {RARITY_LIMIT}",
        },
        "timings_ms": {name: round(ms, 2) for name, ms in frame.timings_ms.items()},
    }


def _row(path: Path, frame: Frame) -> tuple[str, ...]:
    masks = frame.masks
    best = f"{masks.items[0].evidence:.2f}" if masks.items else "-"
    drops = ", ".join(
        f"{count} {reason.replace('_', ' ')}" for reason, count in masks.drops.items()
    )
    return (
        path.name,
        f"{masks.image_size[0]}x{masks.image_size[1]}",
        str(len(masks.items)),
        best,
        drops or "-",
        f"{frame.timings_ms['total']:.0f}",
    )


def _stems(paths: Iterable[Path]) -> list[str]:
    """Names for the results: the stem; with the folder's name, and a number, where stems repeat."""
    listed = list(paths)
    counts = Counter(path.stem for path in listed)
    used: set[str] = set()
    names = []
    for path in listed:
        base = path.stem if counts[path.stem] == 1 else f"{path.parent.name}_{path.stem}"
        name, number = base, 2
        while name in used:
            name, number = f"{base}_{number}", number + 1
        used.add(name)
        names.append(name)
    return names
