"""Vectors of objects, a user's pair of encoders, and names: tiny graphs of the true signature."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import toy_model
import yaml
from onnx import TensorProto, helper

from s2m_ros.config import Model, load
from s2m_ros.perception.naming import NO_MODEL
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.embedding import ImageEmbedder, TextEmbedder, build_embedder, covered
from s2m_ros.runtime.manifest import read
from s2m_ros.runtime.naming import VOCABULARY, build_namer, read_vocabulary
from s2m_ros.types import InputError

MODEL = Model(providers=["CPUExecutionProvider"], threads=1)
WORDS = ("<pad>", "red", "green", "blue", "thing")
IMAGE = toy_model.scene([(40, 60, 90, 110), (200, 80, 260, 130)])


def write_pair(folder: Path, *, text: bool = True, width: int = 3) -> Path:
    """An image encoder that gives the mean colour, a text encoder that gives the colour's name."""
    folder.mkdir(parents=True)
    value = helper.make_tensor_value_info
    image = toy_model.model(
        [
            helper.make_node("GlobalAveragePool", ["pixels"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["image_embeds"]),
        ],
        [value("pixels", TensorProto.FLOAT, [1, 3, 32, 32])],
        [value("image_embeds", TensorProto.FLOAT, [1, 3])],
        {},
    )
    table = np.zeros((len(WORDS), width), np.float32)
    table[1:4, :3] = np.eye(3) + 0.05
    words = toy_model.model(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
            helper.make_node("ReduceMean", ["tokens"], ["text_embeds"], axes=[1], keepdims=0),
        ],
        [value("input_ids", TensorProto.INT64, [1, "T"])],
        [value("text_embeds", TensorProto.FLOAT, [1, width])],
        {"table": table},
    )
    onnx.save(image, folder / "image.onnx")
    files = {"image": "image.onnx"}
    if text:
        tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")
        onnx.save(words, folder / "text.onnx")
        vocabulary = {word: i for i, word in enumerate(WORDS)}
        model = tokenizers.models.WordLevel(vocabulary, unk_token="<pad>")
        tokenizer = tokenizers.Tokenizer(model)
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
        tokenizer.save(str(folder / "tokenizer.json"))
        names = {"prompt": "a {}", "names": {"rose": ["red", "red thing"], "leaf": ["green"]}}
        (folder / "names.yaml").write_text(yaml.safe_dump(names))
        files |= {"text": "text.onnx", "tokenizer": "tokenizer.json", "vocabulary": "names.yaml"}
    manifest = {
        "name": "toy_pair",
        "files": {key: entry(folder / name) for key, name in files.items()},
        "input": {
            "width": 32, "height": 32, "multiple_of": 1, "dtype": "float32", "layout": "nchw",
            "scale": 1 / 255,
        },
        "embedding": {
            "output": "image_embeds", "text_output": "text_embeds", "tokens": 6, "scale": 20.0,
            "margin": 0.0, "background": "keep",
        },
    }  # fmt: skip
    (folder / "model.yaml").write_text(yaml.safe_dump(manifest))
    return folder


def entry(path: Path) -> dict[str, object]:
    data = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


@pytest.fixture(scope="module")
def masks(toy: Path):  # type: ignore[no-untyped-def]
    settings = load(None, {"perception.model.path": str(toy)}).perception
    found = build_perception(settings).perceive(IMAGE).masks
    assert len(found.items) == 2
    return found


def test_our_features_are_of_length_one_and_alike_for_alike_things(toy, masks) -> None:  # type: ignore[no-untyped-def]
    embed = build_embedder(str(toy), MODEL)
    vectors = embed(IMAGE, masks, masks.items)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.99
    assert embed.name == "toy 1.0 features, with close-ups"


def test_a_smaller_picture_gives_nearly_the_same_vector(toy, masks) -> None:  # type: ignore[no-untyped-def]
    embed = build_embedder(str(toy), MODEL)
    small = np.ascontiguousarray(IMAGE[::2, ::2])
    vectors = embed(IMAGE, masks, masks.items), embed(small, masks, masks.items)
    assert (vectors[0] * vectors[1]).sum(axis=1).min() > 0.97


def test_a_mask_smaller_than_a_cell_still_counts(masks) -> None:  # type: ignore[no-untyped-def]
    for shape in ((1, 1), (2, 3), (48, 80)):
        assert covered(masks, masks.items[0], shape).sum() > 0


def test_a_mask_thinner_than_a_pixel_has_a_close_up(toy, masks) -> None:  # type: ignore[no-untyped-def]
    item = masks.items[0]
    thin = replace(item, bits=np.zeros_like(item.bits))
    vectors = build_embedder(str(toy), MODEL)(IMAGE, masks, [thin, item])
    assert np.isfinite(vectors).all()
    assert vectors[0] @ vectors[1] > 0.9


def test_a_users_encoder_looks_at_the_crop(tmp_path: Path, masks) -> None:  # type: ignore[no-untyped-def]
    embed = build_embedder(str(write_pair(tmp_path / "pair", text=False)), MODEL)
    vectors = embed(IMAGE, masks, masks.items)
    colour = np.array([220, 60, 60]) / np.linalg.norm([220, 60, 60])
    assert (vectors @ colour).min() > 0.95


def test_text_and_image_meet(tmp_path: Path) -> None:
    manifest = read(write_pair(tmp_path / "pair"))
    text, image = TextEmbedder(manifest, MODEL), ImageEmbedder(manifest, MODEL)
    colours = [np.full((9, 7, 3), c, np.uint8) for c in ([250, 9, 9], [9, 250, 9], [9, 9, 250])]
    similar = text(["a red thing", "green", "blue"]) @ image.pictures(colours).T
    assert similar.argmax(axis=1).tolist() == [0, 1, 2]


def test_names_come_with_confidence_or_with_a_reason(tmp_path: Path, masks) -> None:  # type: ignore[no-untyped-def]
    pair = str(write_pair(tmp_path / "pair"))
    named = build_namer(load(None, {"naming.model": pair}))(IMAGE, masks, masks.items)
    assert [name.label for name in named] == ["rose", "rose"]
    assert all(0.5 < name.confidence <= 1 for name in named)
    sure = load(None, {"naming.model": pair, "naming.least_confidence": 1.0})
    (unsure, _) = build_namer(sure)(np.full_like(IMAGE, 90), masks, masks.items)
    assert unsure.label == ""
    assert "uncertain" in unsure.why
    assert build_namer(load())(IMAGE, masks, masks.items) == [NO_MODEL] * 2
    assert "naming.model" in str(NO_MODEL)


def test_two_encoders_that_do_not_belong_together_are_refused(tmp_path: Path, masks) -> None:  # type: ignore[no-untyped-def]
    namer = build_namer(load(None, {"naming.model": str(write_pair(tmp_path / "pair", width=5))}))
    with pytest.raises(InputError, match="trained together"):
        namer(IMAGE, masks, masks.items)


def test_the_vocabulary_of_the_apron_is_one(tmp_path: Path) -> None:
    assert "cone" in read_vocabulary(VOCABULARY).names
    bad = tmp_path / "names.yaml"
    bad.write_text("names: {cone: []}")
    with pytest.raises(InputError, match="no phrase"):
        read_vocabulary(bad)
