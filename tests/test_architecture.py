"""The rules of the house that a reader of one file cannot see: who imports whom, and what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

from s2m_ros import __version__

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE = REPOSITORY / "s2m_ros"

# A part imports itself and what stands before it.
ORDER = (
    "types", "documents", "config",
    "perception", "fusion", "tracking", "hazards",
    "runtime", "wire", "bags", "sim", "pipeline", "evaluation", "store", "nodes", "audit", "cli",
)  # fmt: skip
CORE = ("types", "documents", "config", "perception", "fusion", "tracking", "hazards")
CORE_MAY_USE = {"numpy", "scipy", "cv2", "yaml", "pydantic", *sys.stdlib_module_names}
ROS = {
    "rclpy", "rcl_interfaces", "s2m_msgs", "sensor_msgs", "std_msgs", "geometry_msgs", "nav_msgs",
    "visualization_msgs", "diagnostic_msgs", "builtin_interfaces", "rosgraph_msgs", "tf2_msgs",
    "lifecycle_msgs", "tf2_ros", "message_filters", "cv_bridge", "vision_msgs", "launch",
    "launch_ros",
}  # fmt: skip
OPTIONAL_ROS = {"message_filters", "cv_bridge", "vision_msgs"}
MAY_USE_ROS = ("nodes", "cli", "audit")
MAY_USE_TORCH = ("runtime",)

# Not in Humble; see the class of each name for what to use instead.
NOT_IN_HUMBLE = {
    "try_shutdown": "rclpy.ok() and rclpy.shutdown()",
    "event_handler": "rclpy.qos_event where event_handler is missing",
    "parameter_client": "the services by hand",
    "add_pre_set_parameters_callback": "add_on_set_parameters_callback",
    "add_post_set_parameters_callback": "add_on_set_parameters_callback",
    "EventsExecutor": "SingleThreadedExecutor and a worker thread",
}


def modules(part: str = "") -> list[Path]:
    """The files of a part of the package, or of all of it."""
    single = PACKAGE / f"{part}.py"
    if part and single.exists():
        return [single]
    return sorted((PACKAGE / part).rglob("*.py"))


def name_of(path: Path) -> str:
    """``s2m_ros.fusion.camera`` of a file, ``s2m_ros.fusion`` of its ``__init__``."""
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, absolute module name) of each import in a file, wherever it stands."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join(
                    [*parents[: len(parents) - node.level + 1], *filter(None, [node.module])]
                )
            if base == "s2m_ros":
                for alias in node.names:
                    yield node.lineno, f"s2m_ros.{alias.name}"
            else:
                yield node.lineno, base


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    part = part_of(name_of(path))
    assert part in ("", *ORDER), f"{part} has no place in ORDER: decide on one"
    allowed = set(ORDER) if not part else {*ORDER[: ORDER.index(part)], part}
    wrong = [
        f"{path}:{line}: {part} imports {module}"
        for line, module in imports(path)
        if module.startswith("s2m_ros.")
        and part_of(module) in ORDER
        and part_of(module) not in allowed
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", CORE)
def test_the_core_uses_numpy_scipy_and_opencv_only(part: str) -> None:
    wrong = [
        f"{path}:{line}: {module}"
        for path in modules(part)
        for line, module in imports(path)
        if module.split(".")[0] not in CORE_MAY_USE | {"s2m_ros"}
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_ros_and_torch_stay_in_their_rooms(path: Path) -> None:
    part = part_of(name_of(path))
    wrong = [
        f"{path}:{line}: {module}"
        for line, module in imports(path)
        if (module.split(".")[0] in ROS and part not in MAY_USE_ROS)
        or (module.split(".")[0] == "torch" and part not in MAY_USE_TORCH)
    ]
    assert not wrong, "\n".join(wrong)


def test_perception_comes_without_ros_onnxruntime_and_torch() -> None:
    loaded = _modules_after("import s2m_ros.perception, s2m_ros.runtime.build")
    assert "s2m_ros.perception" in loaded
    assert not loaded & {"rclpy", "torch", "s2m_msgs"}
    assert "onnxruntime" not in _modules_after("import s2m_ros.perception")


def test_the_list_of_commands_comes_without_numpy_and_ros() -> None:
    code = "from s2m_ros.cli.main import build; build(['--help'])"
    loaded = _modules_after(code)
    assert "typer" in loaded
    assert not loaded & {"numpy", "cv2", "pydantic", "rclpy", "rosbags", "scipy"}


@pytest.mark.parametrize("path", modules("nodes"), ids=name_of)
def test_nodes_keep_to_what_humble_has(path: Path) -> None:
    tree = ast.parse(path.read_text(), str(path))
    guarded = {inner for node in ast.walk(tree) if _falls_back(node) for inner in ast.walk(node)}
    wrong = [
        f"{path}:{getattr(node, 'lineno', 0)}: {name} is not in Humble: {NOT_IN_HUMBLE[name]}"
        for node in ast.walk(tree)
        if node not in guarded
        for name in _names(node)
        if name in NOT_IN_HUMBLE
    ]
    wrong += [
        f"{path}:{node.lineno}: 'with rclpy.init()' is not in Humble"
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        for item in node.items
        if ast.unparse(item.context_expr).startswith("rclpy.init")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_humble_check_sees_what_it_should() -> None:
    plain = ast.parse("import rclpy\nrclpy.try_shutdown()")
    assert [n for node in ast.walk(plain) for n in _names(node) if n in NOT_IN_HUMBLE]
    kept = ast.parse("try:\n    from rclpy import event_handler\nexcept ImportError:\n    pass")
    assert any(_falls_back(node) for node in ast.walk(kept))


def test_the_version_stands_in_package_xml_and_in_the_package() -> None:
    for manifest in (REPOSITORY / "package.xml", REPOSITORY / "ros2_ws/src/s2m_msgs/package.xml"):
        assert ElementTree.parse(manifest).getroot().findtext("version") == __version__


def test_the_workspace_leads_back_to_the_repository() -> None:
    link = REPOSITORY / "ros2_ws" / "src" / "s2m_ros"
    assert link.is_symlink()
    assert not link.readlink().is_absolute()
    assert link.resolve() == REPOSITORY


def test_package_xml_names_every_ros_package_that_is_imported() -> None:
    root = ElementTree.parse(REPOSITORY / "package.xml").getroot()
    named = {element.text for element in root if element.tag.endswith("depend")}
    used = {
        module.split(".")[0]
        for path in modules()
        for _, module in imports(path)
        if module.split(".")[0] in ROS - OPTIONAL_ROS
    }
    assert used <= named, f"add to package.xml: {sorted(used - named)}"


def test_the_tree_in_the_architecture_is_the_tree() -> None:
    text = (REPOSITORY / "ARCHITECTURE.md").read_text()
    tree = text.partition("## The tree")[2].split("```")[1]
    names = {word.rstrip("/") for line in tree.splitlines() for word in line.split()
             if word.endswith(("/", ".py", ".toml", ".xml", ".cfg"))}  # fmt: skip
    places = [REPOSITORY, PACKAGE, PACKAGE / "nodes", REPOSITORY / "launch",
              REPOSITORY / "models", REPOSITORY / "tests", REPOSITORY / "ros2_ws"]  # fmt: skip
    for name in names:
        assert any((place / name).exists() for place in places), f"{name} is not there"
    for part in ORDER:
        assert part in names or f"{part}.py" in names, f"{part} is not in ARCHITECTURE.md"
    order = text.partition("Imports go one way: ")[2].partition(".\n")[0]
    assert re.findall(r"\w+", order) == list(ORDER)


def _modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter holds after running the code."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"],
        cwd=REPOSITORY,
        text=True,
        capture_output=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def _names(node: ast.AST) -> list[str]:
    """The names that a node of a syntax tree uses."""
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.Import):
        return [part for alias in node.names for part in alias.name.split(".")]
    if isinstance(node, ast.ImportFrom):
        return [*(node.module or "").split("."), *(alias.name for alias in node.names)]
    return []


def _falls_back(node: ast.AST) -> bool:
    """Whether a try statement handles the absence of what it imports."""
    return isinstance(node, ast.Try) and any(
        handler.type is not None and "ImportError" in ast.unparse(handler.type)
        for handler in node.handlers
    )
