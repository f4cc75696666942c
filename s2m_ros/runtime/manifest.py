"""The manifest of a model, ``model.yaml``: its files and their hashes, its input, its classes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..documents import read_yaml
from ..types import InputError, Role


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ModelFile(_Part):
    path: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    bytes: int = Field(ge=1)


class Input(_Part):
    width: int = Field(ge=32)
    height: int = Field(ge=32)
    multiple_of: int = Field(32, ge=1)
    color: Literal["rgb", "bgr"] = "rgb"
    dtype: Literal["uint8", "float32"] = "uint8"
    layout: Literal["nhwc", "nchw"] = "nhwc"
    scale: float = 1.0
    mean: list[float] = [0.0, 0.0, 0.0]
    std: list[float] = [1.0, 1.0, 1.0]


class SceneClass(_Part):
    name: str
    role: str


class QuantileTable(_Part):
    probabilities: list[float]
    values: list[float]


class Calibration(_Part):
    """quantiles: by scorer, the in-distribution quantiles of its raw score.

    min_evidence: by scorer, the operating point: least evidence of a mask.
    """

    scorer: str = "learned"
    id_quantiles: QuantileTable | None = None
    quantiles: dict[str, QuantileTable] = {}
    min_evidence: dict[str, float] = {}

    def of(self, scorer: str) -> QuantileTable | None:
        if scorer in self.quantiles:
            return self.quantiles[scorer]
        return self.id_quantiles if scorer == self.scorer else None


class EncoderPart(_Part):
    outputs: list[str] = ["anomaly", "logits", "features"]


class DecoderPart(_Part):
    """margin, min_box_px, patch_px: the window around a box (``perception/windows.py``)."""

    inputs: list[str] = []
    margin: float = Field(0.25, ge=0)
    min_box_px: float = Field(6.0, gt=0)
    patch_px: int = Field(48, ge=1)


class ScorerPart(_Part):
    """What a user's own scorer puts out (``external.py``)."""

    output: str = ""
    kind: Literal["score", "logits"] = "score"
    score: str = "max_logit"


class EmbeddingPart(_Part):
    """A user's own embedding (``embedding.py``). margin: of the crop around an object, as a share
    of its longer side; background: what is done with pixels beside the object; text: how the text
    encoder of a pair wants its tokens; scale: of the cosine of image and text (CLIP's logit scale).
    """

    output: str = ""
    margin: float = Field(0.15, ge=0, le=2)
    background: Literal["keep", "grey"] = "keep"
    text_output: str = ""
    tokens: int = Field(77, ge=1)
    pad_token: int = 0
    scale: float = Field(100.0, gt=0)


class Manifest(_Part):
    """One model folder. ``folder`` is where it was read from."""

    folder: Path
    name: str
    version: str = "0"
    description: str = ""
    licence: str = ""
    files: dict[str, ModelFile]
    input: Input
    stride: int = Field(4, ge=1)
    classes: list[SceneClass] = []
    encoder: EncoderPart = EncoderPart()
    decoder: DecoderPart = DecoderPart()
    scorer: ScorerPart | None = None
    embedding: EmbeddingPart = EmbeddingPart()
    calibration: Calibration = Calibration()

    def file(self, key: str) -> Path:
        """Path of a file after its size and hash were checked; InputError with the remedy."""
        source = self.folder / "model.yaml"
        if key not in self.files:
            raise InputError(
                str(source),
                f"expected a file '{key}', the manifest lists {sorted(self.files)}",
                "use a model that has one, or add it to the manifest",
            )
        entry = self.files[key]
        path = self.folder / entry.path
        verify(path, entry)
        return path

    def roles(self) -> list[Role]:
        """The role of each class, in the order of the logits."""
        known = {role.name.lower(): role for role in Role}
        return [known.get(item.role.lower(), Role.UNKNOWN) for item in self.classes]


def verify(path: Path, entry: ModelFile) -> None:
    """Raise InputError when the file is absent, cut short, or not the one of the manifest."""
    if not path.is_file():
        raise InputError(
            str(path), "model file is missing", "restore it from the repository or run `make model`"
        )
    size = path.stat().st_size
    if size != entry.bytes:
        hint = " (a git-lfs pointer?)" if size < 1024 else ""
        raise InputError(
            str(path),
            f"expected {entry.bytes} bytes, got {size}{hint}",
            "restore the file, or correct model.yaml if you replaced the model on purpose",
        )
    found = sha256(path)
    if found != entry.sha256:
        raise InputError(
            str(path),
            f"expected sha256 {entry.sha256[:12]}..., got {found[:12]}...",
            "the file is damaged or was replaced: restore it, or correct model.yaml if you "
            "replaced the model on purpose",
        )


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read(folder: Path) -> Manifest:
    """Read and validate ``folder/model.yaml``. Raises InputError that names the entry."""
    path = Path(folder) / "model.yaml"
    try:
        tree: Any = read_yaml(path)
    except FileNotFoundError:
        raise InputError(
            str(path), "no such manifest", "name a folder that holds model.yaml"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"not readable as YAML: {error}", "restore the file") from error
    if not isinstance(tree, Mapping):
        raise InputError(
            str(path), f"expected a mapping, got {type(tree).__name__}", "restore the file"
        )
    try:
        return Manifest.model_validate({**tree, "folder": path.parent})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(
            str(path), f"entry '{name}': {first['msg']}", "correct the entry"
        ) from error


def model_roots(models_dir: Path | None = None) -> list[Path]:
    """Where named models are sought: the given folder, the repository, installed ROS packages."""
    roots = [] if models_dir is None else [Path(models_dir)]
    roots.append(Path(__file__).resolve().parents[2] / "models")
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    roots += [Path(prefix) / "share" / "s2m_ros" / "models" for prefix in prefixes]
    return list(dict.fromkeys(roots))


def find(name: str, models_dir: Path | None = None) -> Path:
    """The folder of a model: a path that holds model.yaml, or a name under a models folder."""
    if (Path(name) / "model.yaml").is_file():
        return Path(name)
    roots = model_roots(models_dir)
    for root in roots:
        if (root / name / "model.yaml").is_file():
            return root / name
    raise InputError(
        f"model '{name}'",
        "no model.yaml in " + ", ".join(str(p) for p in [Path(name), *(r / name for r in roots)]),
        "set perception.model.path to a model folder, or run `s2m models list` for what is here",
    )


def available(models_dir: Path | None = None) -> list[Path]:
    """The folder of every model under the models folders, each name once."""
    found: dict[str, Path] = {}
    for root in model_roots(models_dir):
        for path in sorted(root.glob("*/model.yaml")):
            found.setdefault(path.parent.name, path.parent)
    return list(found.values())
