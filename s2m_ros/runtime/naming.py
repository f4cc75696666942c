"""Names of unknown objects by a pair of image and text encoders and a vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..config import Config
from ..perception.naming import Name, Namer, NoNames
from ..types import Float32, InputError, ObjectMask, ObjectMasks, UInt8
from .embedding import ImageEmbedder, TextEmbedder, unit
from .manifest import find, read

VOCABULARY = Path(__file__).with_name("apron_names.yaml")


class Vocabulary(BaseModel):
    """names: by label, the phrases that describe it; prompt: the sentence they stand in."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    prompt: str = "{}"
    names: Mapping[str, list[str]] = Field(min_length=1)


def read_vocabulary(path: Path) -> Vocabulary:
    """Raises InputError that names the file and the entry."""
    try:
        table = Vocabulary.model_validate(yaml.safe_load(path.read_text()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise InputError(
            str(path), f"no vocabulary: {error}", "give `names: {label: [phrase, ...]}`"
        ) from error
    if "{}" not in table.prompt or not all(table.names.values()):
        raise InputError(str(path), "a label has no phrase, or the prompt has no {}", "complete it")
    return table


def build_namer(config: Config) -> Namer:
    """The namer of the settings; without a model one that says that there is none."""
    settings = config.naming
    if not settings.model:
        return NoNames()
    manifest = read(find(settings.model))
    path = Path(settings.vocabulary_file) if settings.vocabulary_file else VOCABULARY
    if not settings.vocabulary_file and "vocabulary" in manifest.files:
        path = manifest.file("vocabulary")
    image = ImageEmbedder(manifest, config.perception.model)
    text = TextEmbedder(manifest, config.perception.model)
    return VocabularyNamer(
        image, text, read_vocabulary(path), manifest.embedding.scale, settings.least_confidence
    )


class VocabularyNamer:
    """The label whose phrases lie nearest to the picture; a label is the mean of its phrases.

    Confidence is the softmax over the labels (Radford et al. 2021, section 3.1): how much better
    the label fits than the others, not how well.
    """

    def __init__(
        self,
        image: ImageEmbedder,
        text: TextEmbedder,
        vocabulary: Vocabulary,
        scale: float,
        least: float,
    ) -> None:
        self._image, self._scale, self._least = image, scale, least
        self._labels = list(vocabulary.names)
        self._texts = unit(
            np.stack(
                [
                    text([vocabulary.prompt.replace("{}", phrase) for phrase in phrases]).mean(0)
                    for phrases in vocabulary.names.values()
                ]
            )
        )
        self.info = f"{image.name}, {len(self._labels)} names"

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> list[Name]:
        return self.of(self._image(image, masks, items)) if items else []

    def of(self, embeddings: Float32) -> list[Name]:
        """Names of vectors (N, D) of the image encoder."""
        if embeddings.shape[1] != self._texts.shape[1]:
            raise InputError(
                "naming.model",
                f"its image encoder gives {embeddings.shape[1]} numbers, its text encoder "
                f"{self._texts.shape[1]}",
                "give two encoders that were trained together",
            )
        logits = self._scale * embeddings @ self._texts.T
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [self._name(row) for row in shares]

    def _name(self, shares: Float32) -> Name:
        best = int(shares.argmax())
        confidence = float(shares[best])
        label = self._labels[best]
        if confidence < self._least:
            return Name(why=f"uncertain: '{label}' at {confidence:.0%}", confidence=confidence)
        return Name(label, confidence)
