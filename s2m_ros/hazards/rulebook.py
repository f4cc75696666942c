"""The hazard policy as a file: its schema, and how it is read.

Every condition that the schema knows asks for *more* the nearer, sooner, larger or surer something
is, and nothing in it lets worse knowledge lower a level: no file can break that.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from s2m_ros.config import ConfigError, Section
from s2m_ros.documents import read_yaml
from s2m_ros.hazards import reasons
from s2m_ros.types import Level, shortened

DEFAULT = Path(__file__).with_name("policy.yaml")

_NAMES = tuple(level.name.lower() for level in Level)


def _level(value: object) -> object:
    return Level[value.upper()] if isinstance(value, str) and value in _NAMES else value


LevelName = Annotated[
    Level,
    BeforeValidator(_level),
    PlainSerializer(lambda level: level.name.lower(), return_type=str),
    WithJsonSchema({"enum": list(_NAMES)}),
]
Metres = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


_FORM = re.compile(r"(\d?\.\d)?[dfg]?")
_LOOKS_INSIDE = re.compile(r"\{[^}:]*[.\[]")


class Worded(Section):
    """Something with words for an operator; {name} in them is the value of that field."""

    text: str = Field(min_length=1)

    @property
    def words(self) -> str:
        return self.text.format(**self.model_dump())

    @model_validator(mode="after")
    def _words_can_be_made(self) -> Worded:
        try:
            for _, name, form, conversion in Formatter().parse(self.text):
                # Nothing but a field's value, of a few digits: no attributes, no endless padding.
                if name is not None and (not _FORM.fullmatch(form or "") or conversion):
                    raise ValueError(f"'{name}' may be formatted as {{{name}:g}} or {{{name}:.1f}}")
            if _LOOKS_INSIDE.search(self.text):
                raise ValueError("a field has no parts")
            _ = self.words
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise ValueError(f"text {self.text!r} names no field of its own: {error}") from error
        return self


class Rule(Worded):
    """A track that meets all conditions given gets at least this level."""

    level: LevelName
    on_path: bool = Field(False, description="only on the path of the vehicle")
    moving: bool = Field(False, description="only what moves")
    distance_m: Metres | None = Field(None, description="at most so far from the vehicle's outline")
    reach_s: Seconds | None = Field(None, description="reached at the latest after this time")
    size_m: Metres | None = Field(None, description="length, width or height at least this")


class Ahead(Section):
    horizon_m: float = Field(gt=0, le=200)


class Low(Worded):
    height_m: Metres


class Down(Section):
    low: Low
    flat: Worded


class AtOnce(Worded):
    near_m: Metres
    near_aircraft_m: Metres
    large_m: Metres
    uncertain_m: Metres
    at_least: LevelName


class Degraded(Worded):
    levels_up: int = Field(ge=1, le=3)


class NoOdometry(Worded):
    speed_m_s: float = Field(ge=0, le=40)


class ZoneRule(Worded):
    """What a zone does to the level of what lies in it."""

    at_least: LevelName = Level.INFO
    at_most: LevelName = Level.CRITICAL

    @model_validator(mode="after")
    def _in_order(self) -> ZoneRule:
        if self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least.name} is above at_most {self.at_most.name}")
        return self


class Rulebook(Section):
    """All of the policy."""

    rules: dict[str, Rule]
    path: Ahead
    one_level_down: Down
    at_once: AtOnce
    degraded: Degraded
    no_odometry: NoOdometry
    zones: dict[str, ZoneRule]
    texts: dict[str, str]

    @model_validator(mode="after")
    def _codes_are_clear(self) -> Rulebook:
        missing = sorted(set(reasons.WORDED) - set(self.texts))
        unknown = sorted(set(self.texts) - set(reasons.WORDED))
        if missing or unknown:
            raise ValueError(f"texts: missing {missing or 'none'}, unknown {unknown or 'none'}")
        taken = sorted(
            code
            for code in self.rules
            if code in (*reasons.WORDED, *reasons.FIXED) or code.startswith(reasons.ZONE)
        )
        if taken:
            raise ValueError(f"rules: {', '.join(taken)}: the name has a meaning already")
        return self

    def words(self) -> dict[str, str]:
        """What each reason code means, for an operator."""
        down = self.one_level_down
        return {
            **self.texts,
            **{code: rule.words for code, rule in self.rules.items()},
            **{reasons.ZONE + kind: rule.words for kind, rule in self.zones.items()},
            reasons.LOW: down.low.words,
            reasons.FLAT: down.flat.words,
            reasons.AT_ONCE: self.at_once.words,
            reasons.DEGRADED_SENSING: self.degraded.words,
            reasons.NO_ODOMETRY: self.no_odometry.words,
        }


def load_rulebook(file: str = "") -> Rulebook:
    """The policy of a YAML file; the default one without a name.

    Raises ConfigError naming the file, the key, what it accepts and what came.
    """
    path = Path(file) if file else DEFAULT
    tree = _read(path)
    base = tree.pop("extends", None)
    if base not in (None, "default"):
        raise ConfigError(f"{path}: extends: expected 'default', got {base!r}")
    if base:
        tree = _over(_read(DEFAULT), tree)
    try:
        return Rulebook.model_validate(tree)
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, problem['loc'])) or 'policy'}: {problem['msg']}"
            + ("" if isinstance(problem["input"], dict) else f", got {_brief(problem['input'])}")
            for problem in error.errors()[:_TOLD]
        ]
        raise ConfigError("\n".join(lines)) from error


_TOLD = 20
"""Problems of a file that are told at once."""


def _brief(value: object) -> str:
    return shortened(repr(value))


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = read_yaml(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping, got {type(tree).__name__}")
    return tree


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the changes laid over it, key by key; null removes a key."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = _over(result[key], value)
        else:
            result[key] = value
    return result
