"""All figures of a model: what ``s2m eval-suite`` and ``make eval`` measure.

Each part leaves its own folder with metrics.json. A part whose frames, model, settings and code
are those of an earlier run is not measured again.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..config import PROFILES
from ..config import Perception as Settings
from ..config import load as load_config
from ..runtime import site as sites
from ..runtime.manifest import Manifest, find, read
from ..runtime.scorers import names_in
from ..runtime.site import Site
from ..sim.bag import write_bag
from ..sim.scenario import load as load_scenario
from ..types import InputError
from . import benchmarks, calibrate, report, reuse
from .benchmarks import SMALL, Benchmark, CleanSet
from .decoder import DecoderJob
from .decoder import write as write_decoder
from .document import Tree, document, write_json
from .drives import label_bags
from .evaluate import Options
from .footage import Together, open_footage
from .layouts import Sample, clean, plain, read_categories
from .one_set import Job, as_on_the_vehicle

PARTS = ("sets", "clean", "small", "apron", "decoder", "scorers", "clustering")
FORMAT = 1
NORMAL_FRAMES = 120

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""(what, how many steps) -> a context whose value is called once a step."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What to measure, and where.

    input: what the network sees, '' for the usual share of each picture; limit: frames a set, 0 for
    all; scorers: rows of the table of scorers, all that the model can run where None;
    scorer_input, scorer_limit: for those rows alone.
    """

    data: Path
    out: Path
    settings: Settings
    parts: Sequence[str] = PARTS
    input: str = ""
    limit: int = 0
    scorers: Sequence[str] | None = None
    scorer_input: str = ""
    scorer_limit: int = 0


@dataclass
class Suite:
    """Runs a plan. problems: what could not be measured, and why."""

    plan: Plan
    progress: Progress
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.manifest: Manifest = read(find(self.plan.settings.model.path))

    def run(self) -> Tree:
        """The figures of all parts by name, each None where it could not be measured."""
        measure: Mapping[str, Callable[[], Any]] = {
            "sets": self._sets,
            "clean": self._clean,
            "small": self._small,
            "apron": self._apron,
            "decoder": self._decoder,
            "scorers": self._scorers,
            "clustering": self._clustering,
        }
        trees = {part: measure[part]() for part in PARTS if part in self.plan.parts}
        return {
            "model": self.manifest.name,
            "model_version": self.manifest.version,
            "encoder_sha256": self.manifest.files["encoder"].sha256,
            "settings": self.plan.settings.model_dump(),
            **trees,
            "problems": self.problems,
        }

    # --- parts

    def _sets(self) -> dict[str, Tree]:
        def measure(item: Benchmark) -> Tree:
            samples = item.samples(self.plan.data)
            return self._masks(f"sets/{item.key}", item.title, samples, _options(item))

        return self._each(benchmarks.SETS, measure)

    def _clean(self) -> dict[str, Tree]:
        def measure(item: CleanSet) -> Tree:
            samples = item.samples(self.plan.data)
            return self._masks(f"clean/{item.key}", item.title, samples, Options())

        return self._each(benchmarks.CLEAN_SETS, measure)

    def _small(self) -> dict[str, Any]:
        """The sets and the clean frames as the small profile sees them."""
        plan = self.plan
        small = load_config(PROFILES / f"{SMALL}.yaml").perception
        model = small.model.model_copy(update={"path": plan.settings.model.path})
        settings = plan.settings.model_copy(update={"model": model, "prompting": small.prompting})
        suite = Suite(
            replace(plan, out=plan.out / SMALL, settings=settings, input=""),
            lambda what, steps: self.progress(f"{what}, small", steps),
            self.problems,
        )
        return {"sets": suite._sets(), "clean": suite._clean()}

    def _apron(self) -> dict[str, Tree]:
        objects = self._drives("drives", benchmarks.DRIVES)
        empty = self._drives("clean_drives", benchmarks.CLEAN_DRIVES)
        if objects is None or empty is None:
            return {}
        names = read_categories(objects / "categories.yaml")
        options = Options(min_pred_px=16, min_gt_px=16, categories=names)
        samples = plain(objects / "images", objects / "labels")
        return {
            "objects": self._masks("apron/objects", "Simulated apron", samples, options),
            "clean": self._masks(
                "apron/clean", "Simulated apron, clean", clean(empty / "images"), Options()
            ),
        }

    def _decoder(self) -> dict[str, Tree]:
        return self._each(list(benchmarks.FOLDERS), self._decode, key=str, title=str)

    def _scorers(self) -> dict[str, dict[str, Tree]]:
        return self._scored(benchmarks.SETS, self._names(), {})

    def _clustering(self) -> dict[str, dict[str, Tree]]:
        site = self._site()
        if site is None or "clustering" not in site.quantiles:
            return {}
        quantiles = site.quantiles["clustering"]
        values = {f"{q:g}": quantiles.value(-math.log10(1.0 - q)) for q in benchmarks.QUANTILES}
        names = [
            f"clustering:k={k},a={a:g}" for k in benchmarks.CLUSTERS for a in benchmarks.SHARES
        ]
        chosen = [item for item in benchmarks.SETS if item.key in benchmarks.SENSITIVITY_SETS]
        return self._scored(chosen, ["clustering", *names], {"clustering": values}, "clustering")

    # --- how a part is measured

    def _each(
        self,
        items: Sequence[Any],
        measure: Callable[[Any], Tree],
        key: Callable[[Any], str] = lambda item: str(item.key),
        title: Callable[[Any], str] = lambda item: str(item.title),
    ) -> dict[str, Tree]:
        """By key; what is missing or broken is noted and left out."""
        trees = {}
        for item in items:
            try:
                trees[key(item)] = measure(item)
            except InputError as error:
                self.problems.append(f"{title(item)}: {error}")
        return trees

    def _masks(self, folder: str, title: str, samples: Sequence[Sample], options: Options) -> Tree:
        size = self.plan.input
        samples = samples[: self.plan.limit or None]
        out = self.plan.out / folder
        key = self._key(samples, options, size, "sweep")
        tree = reuse.earlier(out / "metrics.json", key)
        if tree is None:
            job = Job(samples, options, self._settings(size), size, sweep=True)
            with self.progress(title, 2 * len(samples)) as advance:
                tree = report.write(*job.masks(advance), out, key)
        return tree

    def _decode(self, dataset: str) -> Tree:
        out = self.plan.out / "decoder" / dataset
        folder = self.plan.data / benchmarks.FOLDERS[dataset]
        job = DecoderJob.of(dataset, folder, self.plan.settings, limit=self.plan.limit)
        key = self._key([Sample(i.path.name, i.path, None) for i in job.images], Options(), "")
        tree = reuse.earlier(out / "metrics.json", key)
        if tree is None:
            with self.progress(f"boxes to masks, {dataset}", len(job.images)) as advance:
                tree = {**job.run(advance), "made_from": key}
            write_decoder(tree, out)
        return tree

    def _scored(
        self,
        items: Sequence[Benchmark],
        names: Sequence[str],
        cuts: Mapping[str, Mapping[str, float]],
        folder: str = "scorers",
    ) -> dict[str, dict[str, Tree]]:
        """By set and by scorer; one pass of the network over a set serves all that are missing."""
        site = self._site()

        def one_set(item: Benchmark) -> dict[str, Tree]:
            asked = self.plan.scorer_input or self.plan.input
            samples = item.samples(self.plan.data)
            samples = samples[: self.plan.scorer_limit or self.plan.limit or None]
            keys = {
                name: self._key(samples, _options(item).with_cuts(cuts.get(name, {})), asked, name,
                                site.about if site else {})
                for name in names
            }  # fmt: skip
            place = {name: self.plan.out / folder / item.key / _file_name(name) for name in names}
            trees = {n: reuse.earlier(place[n] / "metrics.json", keys[n]) for n in names}
            missing = [name for name in names if trees[name] is None]
            if missing:
                job = Job(samples, _options(item), self._settings(asked), asked)
                steps = len(samples) * (1 + len(missing))
                with self.progress(f"{len(missing)} scorers, {item.title}", steps) as advance:
                    for made, about in job.all_scores(missing, site, cuts, advance):
                        tree = {**document(made, about), "made_from": keys[about.scorer]}
                        trees[about.scorer] = tree
                        write_json(tree, place[about.scorer] / "metrics.json")
            return {name: tree for name, tree in trees.items() if tree is not None}

        return self._each(items, one_set)

    def _names(self) -> list[str]:
        if self.plan.scorers is not None:
            return list(self.plan.scorers)
        site = self._site()
        names = calibrate.runnable(self.manifest, site.statistics if site else None)
        parts = names_in(benchmarks.COMBINATION)
        return [*names, *([benchmarks.COMBINATION] if set(parts) <= set(names) else [])]

    def _site(self) -> Site | None:
        """Statistics and quantiles of normal footage, for scorers that compare with it."""
        path = self.plan.out / "normal.npz"
        try:
            folders = [open_footage(self.plan.data / name, 10.0) for name in benchmarks.NORMAL]
        except InputError as error:
            note = f"footage to fit scorers on: {error}"
            self.problems += [] if note in self.problems else [note]
            return None
        most = self.plan.scorer_limit or self.plan.limit or NORMAL_FRAMES
        footage = Together(folders, most)
        key = reuse.digest(FORMAT, reuse.code(), reuse.model(self.manifest), most, len(footage))
        encoder = self.manifest.files["encoder"].sha256
        if path.is_file():
            site = sites.load(path)
            if site.about.get("made_from") == key:
                return site
        plain_settings = self.plan.settings.model_copy(update={"scorer": "learned", "site": ""})
        with self.progress("normal footage", 2 * len(footage)) as advance:
            site = calibrate.fit_scorers(plain_settings, footage, None, advance)
        site = replace(site, model=encoder, about={"made_from": key, "frames": str(len(footage))})
        sites.save(site, path)
        return site

    def _drives(self, name: str, scenarios: Sequence[str]) -> Path | None:
        """Labelled frames of simulated drives, rendered once."""
        folder = self.plan.out / "apron" / name
        chosen = scenarios[: self.plan.limit or None]
        seconds = 2 / benchmarks.DRIVE_HZ if self.plan.limit else None
        key = reuse.digest(reuse.code(reuse.SIMULATING), list(chosen), benchmarks.DRIVE_HZ, seconds)
        if reuse.earlier(folder / "made.json", key) is not None:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        bags = []
        try:
            for scenario in chosen:
                bags.append(folder / "bags" / scenario)
                value = load_scenario(scenario, {"camera.rate_hz": benchmarks.DRIVE_HZ})
                with self.progress(f"rendering '{scenario}'", 1) as advance:
                    write_bag(bags[-1], value, duration_s=seconds, overwrite=True)
                    advance()
            label_bags(bags, folder)
        except InputError as error:
            self.problems.append(f"simulated drives: {error}")
            return None
        shutil.rmtree(folder / "bags")
        write_json({"made_from": key}, folder / "made.json")
        return folder

    def _settings(self, size: str) -> Settings:
        return as_on_the_vehicle(self.plan.settings, size)

    def _key(self, samples: Sequence[Sample], options: Options, *more: Any) -> str:
        return reuse.digest(
            FORMAT,
            reuse.code(),
            reuse.model(self.manifest),
            self.plan.settings.model_dump(),
            reuse.outside(self.plan.settings),
            reuse.files(samples),
            [getattr(options, name) for name in Options.__slots__],
            *more,
        )


def _options(item: Benchmark) -> Options:
    return Options(min_pred_px=item.min_pred_px, min_gt_px=item.min_gt_px)


def _file_name(scorer: str) -> str:
    """A scorer's name as that of a folder."""
    return "".join(c if c.isalnum() or c in "._=-" else "_" for c in scorer)
