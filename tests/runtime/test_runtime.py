"""Manifests, sessions and the default model, on a tiny model of the true signature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy_model
import yaml
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.config import Model, load
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.session import Session, choose_providers
from s2m_ros.runtime.trunk import TrunkEncoder, TrunkSegmenter, input_size, predicted
from s2m_ros.types import InputError, Prompts, Role


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


def perception(folder: Path, **settings: object):
    overrides = {f"perception.{name.replace('__', '.')}": v for name, v in settings.items()}
    return build_perception(
        load(None, {"perception.model.path": str(folder), **overrides}).perception
    )


def test_finds_each_red_object_whole(folder: Path) -> None:
    boxes = [(40, 100, 88, 140), (200, 60, 232, 84)]
    frame = perception(folder).perceive(toy_model.scene(boxes), 5, "front", "optical", 3)
    masks = frame.masks
    assert (masks.stamp_ns, masks.camera, masks.frame_id, masks.sequence) == (
        5,
        "front",
        "optical",
        3,
    )
    found = sorted(tuple(item.box) for item in masks.items)
    assert len(found) == 2
    np.testing.assert_allclose(found, sorted(boxes), atol=8)
    for item in masks.items:
        assert item.score_mean > 0.9999
        assert 0 < item.evidence <= 1
        assert item.contrast > 2
    assert set(frame.timings_ms) == {"encode", "score", "prompt", "mask", "select", "total"}


def test_nothing_on_an_empty_road(folder: Path) -> None:
    frame = perception(folder).perceive(toy_model.scene([]))
    assert frame.masks.items == ()
    assert frame.masks.state.name == "OK"


def test_each_candidate_is_kept_or_has_a_reason(folder: Path) -> None:
    boxes = [(x, y, x + 22, y + 18) for x in range(8, 300, 40) for y in (20, 70, 130)]
    frame = perception(folder, selection__max_masks=4).perceive(toy_model.scene(boxes))
    assert len(frame.candidates) == 2 * len(frame.prompts)  # the decoder's and the outline
    assert len(frame.masks.items) == 4
    kept = [v for v in frame.candidates if not v.reason]
    assert len(kept) == 4
    dropped = sum(frame.masks.drops.values()) - frame.prompts.omitted
    assert dropped == len(frame.candidates) - 4
    assert frame.masks.drops["over_limit"] >= 1
    weakest = min(v.evidence for v in kept)
    assert all(v.evidence <= weakest for v in frame.candidates if v.reason == "over_limit")


def test_same_image_gives_the_same_bits(folder: Path) -> None:
    image = toy_model.scene([(40, 100, 88, 140), (100, 20, 112, 30)])
    one, two = (perception(folder).perceive(image) for _ in range(2))
    assert np.array_equal(one.score.scores, two.score.scores)
    assert [m.evidence for m in one.masks.items] == [m.evidence for m in two.masks.items]
    for a, b in zip(one.masks.items, two.masks.items, strict=True):
        assert np.array_equal(one.masks.dense(a), two.masks.dense(b))


@pytest.mark.parametrize("scorer", ["msp", "max_logit", "energy"])
def test_scorers_of_the_logits_run_on_the_model(folder: Path, scorer: str) -> None:
    frame = perception(folder, scorer=scorer).perceive(toy_model.scene([(40, 100, 88, 140)]))
    assert frame.masks.scorer == scorer
    assert frame.score.scores.min() >= 0
    assert frame.score.scores.max() <= 1


def test_roles_come_from_the_classes(folder: Path) -> None:
    roles = perception(folder).perceive(toy_model.scene([])).masks.roles
    assert roles is not None
    assert set(np.unique(roles.roles)) == {int(Role.SURFACE)}


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_refuses_what_is_no_rgb_image(folder: Path, image: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected uint8 \(H, W, 3\)"):
        perception(folder).perceive(image)


def test_input_size_keeps_the_aspect_within_the_budget() -> None:
    assert input_size((1920, 1088), (960, 544), 32) == (960, 544)
    assert input_size((1242, 375), (960, 544), 32) == (1248, 384)
    assert input_size((480, 360), (960, 544), 32) == (480, 352)
    assert input_size((5, 5), (960, 544), 32) == (32, 32)
    assert input_size((2048, 1024), (960, 544), 32, least=0.75) == (1536, 768)
    assert input_size((1280, 720), (960, 544), 32, least=0.5) == (960, 544)
    assert input_size((480, 360), (960, 544), 32, least=0.75) == (480, 352)


@given(st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_predicted_is_argmax(classes: int, seed: int) -> None:
    logits = np.random.default_rng(seed).integers(-3, 3, (classes, 5, 7)).astype(np.float32)
    np.testing.assert_array_equal(predicted(logits), logits.argmax(axis=0))
    assert predicted(np.full_like(logits, np.nan)).max() < classes


def test_decoder_boxes_are_in_image_pixels_whatever_the_network_size(folder: Path) -> None:
    manifest = manifests.read(folder)
    encoder = TrunkEncoder(manifest, Model())
    segmenter = TrunkSegmenter(manifest, Model())
    encoding = encoder.encode(toy_model.scene([], (640, 384)))
    assert encoding.input_size == (160, 96)
    one = np.ones(1, np.float32)
    prompts = Prompts(
        np.float32([[160, 80, 320, 240]]),
        np.float32([[[240, 160]]]),
        np.ones((1, 1), np.float32),
        one,
        one,
    )
    candidates = segmenter(encoding, prompts)
    (item,) = candidates.items
    assert candidates.grid_size == (160, 96)
    assert (item.x, item.y) == (40, 20)
    assert item.bits.shape == (40, 40)
    assert item.bits.mean() == pytest.approx(np.pi / 4, abs=0.03)
    assert item.predicted_iou == pytest.approx(0.9)
    assert 0.8 < item.stability <= 1


# --- files that are wrong ---------------------------------------------------------------------


def copy(folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_wrong_hash_names_the_file_and_the_remedy(folder: Path, tmp_path: Path) -> None:
    broken = copy(folder, tmp_path / "broken")
    data = bytearray((broken / "encoder.onnx").read_bytes())
    data[-1] ^= 1
    (broken / "encoder.onnx").write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"encoder\.onnx: expected sha256 .* got .* restore"):
        perception(broken)


def test_truncated_and_missing_files(folder: Path, tmp_path: Path) -> None:
    cut = copy(folder, tmp_path / "cut")
    (cut / "decoder.onnx").write_bytes((cut / "decoder.onnx").read_bytes()[:100])
    with pytest.raises(InputError, match=r"decoder\.onnx: expected \d+ bytes, got 100 \(a git-lfs"):
        perception(cut)
    (cut / "decoder.onnx").unlink()
    with pytest.raises(InputError, match=r"decoder\.onnx: model file is missing"):
        perception(cut)


def test_a_file_that_is_no_onnx_graph(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("hello")
    with pytest.raises(InputError, match="ExecutionProvider refuses it"):
        Session(path, Model())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1, 2]", "expected a mapping"),
        ("name: [", "not readable as YAML"),
        ("name: x\ninput: {width: 64, height: 64}", "entry 'files'"),
    ],
)
def test_broken_manifests(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "model.yaml").write_text(text)
    with pytest.raises(InputError, match=problem):
        manifests.read(tmp_path)


def test_unknown_model_lists_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model\.yaml in nowhere, .*models/nowhere"):
        manifests.find("nowhere", tmp_path)


def test_models_are_found_by_name(folder: Path) -> None:
    assert manifests.find("toy", folder.parent) == folder
    assert folder in manifests.available(folder.parent)


def test_scorer_without_calibration_says_what_to_do(folder: Path) -> None:
    with pytest.raises(InputError, match=r"no ID quantiles for scorer 'entropy'.*calibrate"):
        perception(folder, scorer="entropy")
    with pytest.raises(InputError, match=r"no such scorer.*choose one of"):
        perception(folder, scorer="nonsense")


def test_outputs_that_the_graph_lacks(folder: Path, tmp_path: Path) -> None:
    wrong = copy(folder, tmp_path / "wrong")
    tree = yaml.safe_load((wrong / "model.yaml").read_text())
    tree["encoder"]["outputs"].append("depth")
    (wrong / "model.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(InputError, match=r"expected input 'image' and outputs .*depth"):
        perception(wrong)


# --- execution providers ----------------------------------------------------------------------

CPU, CUDA, TENSORRT, OPENVINO = (
    f"{name}ExecutionProvider" for name in ("CPU", "CUDA", "Tensorrt", "OpenVINO")
)


def test_providers_fall_back_with_a_warning() -> None:
    chosen = choose_providers([TENSORRT, CUDA, CPU], [CUDA, CPU], "fallback")
    assert chosen.names == (CUDA, CPU)
    assert TENSORRT in chosen.warning
    assert choose_providers([CPU], [CUDA, CPU], "fallback").warning == ""


def test_required_provider_must_be_there() -> None:
    assert choose_providers([CUDA, CPU], [CUDA, CPU], "require").names == (CUDA, CPU)
    with pytest.raises(InputError, match=r"providers: wanted .*CUDA.* offers .*CPU"):
        choose_providers([CUDA, CPU], [CPU], "require")
    with pytest.raises(InputError, match="providers"):
        choose_providers([CUDA], [CPU], "fallback")


def test_openvino_gives_what_onnx_runtime_gives(folder: Path) -> None:
    pytest.importorskip("openvino", reason="the intel extra is not installed")
    path, image = folder / "encoder.onnx", toy_model.scene([(40, 30, 90, 60)], (160, 96))[None]
    fast = Session(path, Model(providers=[OPENVINO, CPU]), reduced_precision=True)
    exact = Session(path, Model(providers=[OPENVINO, CPU]))
    assert (fast.provider, exact.provider) == (OPENVINO, CPU)
    assert set(fast.inputs) == set(exact.inputs)
    assert fast.input_types == exact.input_types
    names = ["anomaly", "logits"]
    for size in (160, 96, 160):  # another size compiles anew, a known one does not
        feed = {"image": np.ascontiguousarray(image[:, :, :size])}
        for mine, theirs in zip(fast.run(feed, names), exact.run(feed, names), strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=0.02, atol=0.15)  # bfloat16


@pytest.mark.parametrize("when", ["read_model", "compile_model"])
def test_what_openvino_refuses_goes_to_the_next_provider_with_a_warning(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # nothing was compiled before
    openvino = pytest.importorskip("openvino", reason="the intel extra is not installed")

    class Refuses(openvino.Core):  # type: ignore[misc, name-defined]
        pass

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("unsupported operation")

    setattr(Refuses, when, refuse)
    monkeypatch.setattr(openvino, "Core", Refuses)
    path, image = folder / "encoder.onnx", toy_model.scene([(40, 30, 90, 60)], (160, 96))[None]
    session = Session(path, Model(providers=[OPENVINO, CPU]), reduced_precision=True)
    exact = Session(path, Model(providers=[CPU]))
    (mine,), (theirs,) = (s.run({"image": image}, ["anomaly"]) for s in (session, exact))
    np.testing.assert_array_equal(mine, theirs)
    assert session.provider == CPU
    assert session.warning == (
        f"{OPENVINO} refuses it: unsupported operation; using CPUExecutionProvider"
    )
    for strict in (Model(providers=[OPENVINO]), Model(providers=[OPENVINO, CPU],
                                                      provider_policy="require")):  # fmt: skip
        with pytest.raises(InputError, match=f"{OPENVINO} refuses it: unsupported operation"):
            Session(path, strict, reduced_precision=True).run({"image": image})


def test_openvino_refuses_a_broken_graph_clearly(tmp_path: Path) -> None:
    pytest.importorskip("openvino", reason="the intel extra is not installed")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"broken\.onnx.*OpenVINO.*refuses"):
        Session(tmp_path / "broken.onnx", Model(providers=[OPENVINO]), reduced_precision=True)
