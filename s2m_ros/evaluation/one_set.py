"""One set, measured with the model and the scorer that the settings name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Perception as Settings
from ..perception.interfaces import Encoding
from ..runtime import site as sites
from ..runtime.manifest import Manifest, find, read
from ..runtime.scorers import build_scorer, raw_function
from ..runtime.site import Site
from ..runtime.trunk import TrunkEncoder
from ..types import Float32, InputError
from .document import About
from .evaluate import SWEEP, Options, Report, evaluate
from .found import Observer, score_frames
from .layouts import Sample

CAMERA_PX = 1280 * 720
"""The picture that a model's input is chosen for."""


def as_on_the_vehicle(settings: Settings, size: str | None = None) -> Settings:
    """The settings with what the network sees of each picture.

    size: as '1536x768', exactly that. Without it, the share of each side that the input has of a
    camera's 1280x720 (three quarters for the default model), unless the settings name a share:
    sharper pictures would else lose what their labels show. InputError when it is no such size.
    """
    model = settings.model
    if size:
        match = re.fullmatch(r"(\d+)x(\d+)", size)
        if match is None or min(map(int, match.groups())) < 32:
            raise InputError(f"input '{size}'", "no WIDTHxHEIGHT of at least 32", "as 1536x768")
        width, height = map(int, match.groups())
        seen: dict[str, float] = {"width": width, "height": height, "least_scale": 0.0}
    elif model.least_scale:
        return settings
    else:
        own = read(find(model.path)).input
        pixels = (model.width or own.width) * (model.height or own.height)
        seen = {"least_scale": min(1.0, (pixels / CAMERA_PX) ** 0.5)}
    return settings.model_copy(update={"model": model.model_copy(update=seen)})


def raw_score(
    name: str, manifest: Manifest, settings: Settings, site: Site | None
) -> Callable[[Encoding], Float32]:
    """The score before calibration, which only a combination needs."""
    if "+" in name or "*" in name:
        return build_scorer(name, manifest, settings.model, site).raw
    return raw_function(name, manifest, settings.model, site)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What to measure. asked_input: the size that the settings were given, '' for the model's own;
    sweep: also cut the masks at each evidence of ``SWEEP``."""

    samples: Sequence[Sample]
    options: Options
    settings: Settings
    asked_input: str = ""
    sweep: bool = False

    def masks(self, advance: Callable[[], None] = lambda: None) -> tuple[Report, About]:
        """All of perception. ``advance`` is called twice a frame."""
        observer = Observer.build(self.settings, SWEEP if self.sweep else ())
        report = evaluate(observer(self.samples, advance), self.options, advance)
        info = observer.perception.info
        about = About(
            scorer=info["scorer"],
            model=info["model"],
            version=info.get("version", ""),
            encoder=info.get("sha256", ""),
            segmenter=info.get("segmenter_segmenter", ""),
            provider=info.get("provider", ""),
            asked_input=self.asked_input,
            min_evidence=observer.min_evidence,
        )
        return report, about

    def scores(self, advance: Callable[[], None] = lambda: None) -> tuple[Report, About]:
        """The score map alone. ``advance`` is called twice a frame."""
        return next(self.all_scores([self.settings.scorer], advance=advance))

    def all_scores(
        self,
        names: Sequence[str],
        site: Site | None = None,
        cuts: Mapping[str, Mapping[str, float]] | None = None,
        advance: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[Report, About]]:
        """The score maps of several scorers, one after the other, from one pass of the network.

        site: the settings' own by default; cuts: further thresholds, by scorer. ``advance`` is
        called once a frame, and once a frame and scorer.
        """
        manifest = read(find(self.settings.model.path))
        if site is None and self.settings.site:
            site = sites.load(Path(self.settings.site), manifest.files["encoder"].sha256)
        encoder = TrunkEncoder(manifest, self.settings.model)
        functions = {name: raw_score(name, manifest, self.settings, site) for name in names}
        found = score_frames(encoder, functions, self.samples, advance)
        info = encoder.info
        for name in names:
            options = self.options.with_cuts((cuts or {}).get(name, {}))
            about = About(
                scorer=name,
                model=info["model"],
                version=info["version"],
                encoder=info["sha256"],
                provider=info["provider"],
                asked_input=self.asked_input,
            )
            yield evaluate(found.pop(name), options, advance), about
