"""The tables of a suite: one Markdown file, one HTML page, one JSON file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from . import benchmarks, decoder
from .benchmarks import SMALL
from .document import Tree, finite, write_json
from .page import write_page
from .tables import Grid, markdown, number, pair, percent

SMALL_PRESET = "small preset: "
TITLES = {item.key: item.title for item in (*benchmarks.SETS, *benchmarks.CLEAN_SETS)}


def write(tree: Tree, out: Path) -> list[Grid]:
    """Write summary.json, summary.md and summary.html to the folder; returns the tables."""
    tables = grids(tree)
    gains = gain(tree.get("sets", {}))
    write_json({**tree, "gain_of_masks_over_cut": finite(gains)}, out / "summary.json")
    problems = [f"Not measured: {problem}" for problem in tree["problems"]]
    text = [f"# {title(tree)}", "", subtitle(tree), "", *problems, "", *map(markdown, tables)]
    (out / "summary.md").write_text("\n".join(text))
    pages = {
        _title_of(path.relative_to(out)): path.relative_to(out).as_posix()
        for path in sorted(out.rglob("report.html"))
    }
    write_page(out / "summary.html", title(tree), subtitle(tree), tables, {}, pages, problems)
    return tables


def title(tree: Tree) -> str:
    return f"Evaluation of {tree['model']} {tree['model_version']}"


def _title_of(page: Path) -> str:
    name = page.parent.name
    return f"{SMALL_PRESET if page.parts[0] == SMALL else ''}{TITLES.get(name, name)}"


def subtitle(tree: Tree) -> str:
    settings = tree["settings"]
    return (
        f"encoder {tree['encoder_sha256'][:12]}, scorer {settings['scorer']}, "
        f"segmenter {settings['segmenter']}"
    )


def grids(tree: Tree) -> list[Grid]:
    """Every table that has rows."""
    apron, small = tree.get("apron", {}), tree.get("small", {})
    tables = [
        _with_small(sets(tree.get("sets", {})), sets(small.get("sets", {}))),
        _with_small(
            clean({**tree.get("clean", {}), **_only(apron, "clean")}), clean(small.get("clean", {}))
        ),
        categories(apron.get("objects")),
        _with_small(sizes(tree.get("sets", {})), sizes(small.get("sets", {}))),
        *(decoder.grid(part) for part in tree.get("decoder", {}).values()),
        scorers("Scorers: pixel AP / FPR95, %", tree.get("scorers", {})),
        cut_scorers(tree.get("scorers", {})),
        clusters(tree.get("clustering", {})),
        quantiles(tree.get("clustering", {})),
        _with_small(
            timing({**tree.get("sets", {}), **tree.get("clean", {}), **apron}),
            timing({**small.get("sets", {}), **small.get("clean", {})}),
        ),
    ]
    return [table for table in tables if table.rows]


def _with_small(table: Grid, small: Grid) -> Grid:
    """The rows of the small preset below those of the default."""
    rows = [(SMALL_PRESET + row[0], *row[1:]) for row in small.rows]
    return replace(table, rows=[*table.rows, *rows])


def _only(trees: Mapping[str, Tree], key: str) -> dict[str, Tree]:
    return {f"apron_{key}": trees[key]} if key in trees else {}


def _title(key: str) -> str:
    names = {
        "apron_clean": "Simulated apron, nothing lies about",
        "objects": "Simulated apron",
        "clean": "Simulated apron, nothing lies about",
    }
    return TITLES.get(key) or names.get(key, key)


ANSWERS = {
    "cut": ("threshold", "component", "f1", "s2m", "iou"),
    "masks": ("masks", "component", "f1", "s2m", "iou"),
    "best": ("masks_at_best_evidence", "component", "f1", "s2m", "iou"),
}


def answers(tree: Tree) -> dict[str, tuple[float | None, float | None]]:
    """Component F1 and S2M IoU of the cut score map, the masks, and the masks at their best."""
    found = {}
    for name, (part, family, key, other, other_key) in ANSWERS.items():
        branch = tree[part]
        found[name] = (branch[family][key], branch[other][other_key]) if branch else (None, None)
    return found


def sets(trees: Mapping[str, Tree]) -> Grid:
    """By set: score map, score map cut, masks at the operating point, masks at their best."""
    rows = []
    columns: list[list[float | None]] = [[] for _ in range(8)]
    for key, tree in trees.items():
        pixel = tree["score"]["pixel"]
        values = [pixel["ap"], pixel["fpr95"], *(v for two in answers(tree).values() for v in two)]
        for column, value in zip(columns, values, strict=True):
            column.append(value)
        seen = ", ".join(tree["input"]["used"])
        rows.append((_title(key), str(tree["frames"]), seen, *map(percent, values)))
    if len(rows) > 1:
        rows.append(("mean", "", "", *(percent(mean(column)) for column in columns)))
    head = (
        "set, %",
        "frames",
        "input",
        "score AP",
        "score FPR95",
        "cut F1",
        "cut IoU",
        "masks F1",
        "masks IoU",
        "best F1",
        "best IoU",
    )
    return Grid("Unknown objects", head, rows, _gain_note(trees))


def mean(values: Iterable[float | None]) -> float | None:
    """Of those that are defined; None when none is."""
    defined = [value for value in values if value is not None]
    return fmean(defined) if defined else None


def gain(trees: Mapping[str, Tree]) -> dict[str, float | None]:
    """How much higher the mean over the sets is of the masks than of the cut score map."""
    table = [answers(tree) for tree in trees.values()]
    result: dict[str, float | None] = {}
    for i, name in enumerate(("f1", "iou")):
        cut = mean(row["cut"][i] for row in table)
        for which in ("masks", "best"):
            value = mean(row[which][i] for row in table)
            result[f"{which}_{name}"] = value / cut - 1 if value is not None and cut else None
    return result


def _gain_note(trees: Mapping[str, Tree]) -> str:
    gains = {n: "-" if v is None else f"{round(100 * v):+d} %" for n, v in gain(trees).items()}
    return (
        "F1: component F1, mean over sIoU thresholds .25 to .75. IoU: per image, best canvas "
        "threshold for the set. cut: score map at its best pixel threshold for the set; masks: at "
        "the operating point; best: masks at the evidence that is best for the set (F1), all "
        "masks (IoU). Gain of the mean of the masks over the mean of the cut: "
        f"F1 {gains['masks_f1']}, IoU {gains['masks_iou']} at the operating point; "
        f"F1 {gains['best_f1']}, IoU {gains['best_iou']} at best."
    )


def clean(trees: Mapping[str, Tree]) -> Grid:
    rows = [
        (
            _title(key),
            str(tree["clean_frames"]),
            str(tree["false_masks"]),
            number(tree["false_masks_per_clean_frame"], 4),
            number(tree["false_masks_per_minute"], 2),
            number(tree["masks"]["min_evidence"], 3),
        )
        for key, tree in trees.items()
    ]
    rate = next((tree["frame_rate_hz"] for tree in trees.values()), 0)
    head = (
        "clean frames",
        "frames",
        "false masks",
        "a frame",
        f"a minute at {rate:g} frames/s",
        "from evidence",
    )
    return Grid("False masks where nothing is unknown", head, rows)


def categories(tree: Tree | None) -> Grid:
    rows = [] if tree is None else _objects(tree["by_category"]) + _objects(tree["by_size"])
    return Grid("Objects of the simulated apron, by category and by size", _OBJECTS, rows, _FOUND)


_OBJECTS = ("%", "objects", "cut: found", "cut: sIoU", "masks: found", "masks: sIoU")
_FOUND = "Found: sIoU of at least .25. Sizes are labelled pixels."


def _objects(groups: Tree, prefix: str = "") -> list[tuple[str, ...]]:
    return [
        (
            prefix + name,
            str(row["objects"]),
            *(percent(row[w][k]) for w in ("threshold", "masks") for k in ("found", "siou")),
        )
        for name, row in groups.items()
        if row["objects"]
    ]


def sizes(trees: Mapping[str, Tree]) -> Grid:
    rows = [
        row for key, tree in trees.items() for row in _objects(tree["by_size"], f"{_title(key)}, ")
    ]
    return Grid("Objects by size", _OBJECTS, rows, _FOUND)


def scorers(name: str, trees: Mapping[str, Mapping[str, Tree]]) -> Grid:
    return Grid(name, ("scorer", *map(_title, trees)), _by_scorer(trees, _pixel))


def cut_scorers(trees: Mapping[str, Mapping[str, Tree]]) -> Grid:
    rows = _by_scorer(trees, _cut)
    title = "Scorers, cut at the best threshold: component F1 / IoU, %"
    return Grid(title, ("scorer", *map(_title, trees)), rows)


def _pixel(tree: Tree) -> str:
    return pair(tree["score"]["pixel"]["ap"], tree["score"]["pixel"]["fpr95"])


def _cut(tree: Tree) -> str:
    return pair(tree["threshold"]["component"]["f1"], tree["threshold"]["s2m"]["iou"])


def _by_scorer(
    trees: Mapping[str, Mapping[str, Tree]], cell: Callable[[Tree], str]
) -> list[Sequence[str]]:
    names = dict.fromkeys(name for tree in trees.values() for name in tree)
    return [
        (name, *(cell(tree[name]) if name in tree else "-" for tree in trees.values()))
        for name in names
    ]


def clusters(trees: Mapping[str, Mapping[str, Tree]]) -> Grid:
    """AP / FPR95 over K and a."""
    varied = {
        key: {name: tree for name, tree in row.items() if name != "clustering"}
        for key, row in trees.items()
    }
    table = scorers("Clustering: sensitivity to K and a, pixel AP / FPR95, %", varied)
    rows = [(row[0].removeprefix("clustering:"), *row[1:]) for row in table.rows]
    note = "k: clusters of a frame; a: share of the cluster's mean against the cell's own logit."
    return Grid(table.title, ("clustering", *table.head[1:]), rows, note)


def quantiles(trees: Mapping[str, Mapping[str, Tree]]) -> Grid:
    """What a fixed ID quantile gives instead of the best threshold."""
    default = {key: row["clustering"] for key, row in trees.items() if "clustering" in row}
    names = dict.fromkeys(q for tree in default.values() for q in tree["threshold_at"])
    rows = [
        (
            name,
            *(
                pair(
                    tree["threshold_at"][name]["component"]["f1"],
                    tree["threshold_at"][name]["s2m"]["iou"],
                )
                for tree in default.values()
            ),
        )
        for name in names
    ]
    note = "Quantiles of normal footage; no label of these sets is looked at."
    head = ("ID quantile", *map(_title, default))
    return Grid("Clustering cut at an ID quantile: component F1 / IoU, %", head, rows, note)


def timing(trees: Mapping[str, Tree]) -> Grid:
    steps = ("score", "prompt", "mask", "total")
    rows = [
        (
            _title(key),
            ", ".join(tree["input"]["used"]),
            *(f"{tree['ms_per_frame'][s]:.0f} / {tree['ms_per_frame_p95'][s]:.0f}" for s in steps),
        )
        for key, tree in trees.items()
        if tree["frames"]
    ]
    head = ("p50 / p95", "input", *steps)
    note = "score holds the network's pass. They vary with what else the machine does."
    return Grid("Milliseconds a frame", head, rows, note)
