"""The options are such as the provider takes, and nothing lets it build at run time."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.config import ConfigError, Model, load
from s2m_ros.runtime.tensorrt import options

ACCEPTED = {
    line
    for line in Path(__file__).with_name("accepted_options.txt").read_text().splitlines()
    if not line.startswith("#")
}


def settings(**given: object) -> Model:
    overrides = {f"perception.model.tensorrt.{name}": value for name, value in given.items()}
    return load(None, overrides).perception.model


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_each_option_is_one_that_the_provider_knows(precision: options.Precision) -> None:
    config = settings(calibration="/data/site.flatbuffers", cuda_graph=True)
    built = options.building(config, precision, Path("/engines/x"), Path("/engines/timings"))
    for given in (built, options.running(config)):
        assert set(given) <= ACCEPTED
        assert all(isinstance(value, str) for value in given.values())
        for name, value in given.items():
            if name.endswith("_enable") or name == "trt_dump_ep_context_model":
                assert value in ("True", "False"), name


def test_the_settings_arrive() -> None:
    config = settings(optimization_level=5, workspace_mb=64, calibration="a/b.flatbuffers")
    config = config.model_copy(update={"device": 3})
    built = options.building(config, "int8", Path("/e"), Path("/t"))
    assert built["device_id"] == options.running(config)["device_id"] == "3"
    assert built["trt_builder_optimization_level"] == "5"
    assert built["trt_max_workspace_size"] == str(64 * 2**20)
    assert built["trt_timing_cache_path"] == "/t"
    assert built["trt_ep_context_file_path"] == "/e/context.onnx"
    assert (built["trt_fp16_enable"], built["trt_int8_enable"]) == ("True", "True")
    assert built["trt_int8_calibration_table_name"] == "b.flatbuffers"
    assert options.building(config, "fp32", Path("/e"), Path("/t"))["trt_fp16_enable"] == "False"


def test_a_running_session_has_no_option_to_build_with() -> None:
    assert set(options.running(Model())) == {"device_id", "trt_cuda_graph_enable"}


def test_int8_without_calibration_is_no_setting() -> None:
    with pytest.raises(ConfigError, match="precision int8 needs calibration"):
        settings(precision="int8")
    for wrong in ({"precision": "int4"}, {"optimization_level": 6}, {"missing": "hope"}):
        with pytest.raises(ConfigError):
            settings(**wrong)
