"""What must never be in the tree: ways for a file or a message to run code, or to be let in."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = ("s2m_ros", "models", "tools", "launch", "setup.py")
# flake8-bandit's rules, as ruff has them.
RULES = {
    "S102": "exec",
    "S104": "listening on all interfaces",
    "S301": "pickle", "S302": "marshal", "S403": "import of pickle and its kin",
    "S306": "mktemp", "S307": "eval",
    "S506": "yaml.load without a safe loader",
    "S602": "a shell", "S604": "a shell", "S605": "a shell",
    "S701": "pages without escaping",
}  # fmt: skip


def findings(*paths: Path) -> str:
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--preview",
         "--output-format", "concise", "--select", ",".join(RULES), *map(str, paths)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return checked.stdout if checked.returncode else ""


def sources() -> list[Path]:
    return [
        path
        for name in SOURCES
        for path in ([REPOSITORY / name] if name.endswith(".py") else
                     sorted((REPOSITORY / name).rglob("*.py")))
    ]  # fmt: skip


def loads(tree: ast.AST) -> list[tuple[int, str]]:
    """Calls of numpy and torch that read what may hold code."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if given.get("allow_pickle", "False") != "False":
            found.append((node.lineno, f"{name} with allow_pickle"))
        if name == "torch.load" and given.get("weights_only") != "True":
            found.append((node.lineno, "torch.load without weights_only=True"))
    return found


def test_no_file_that_is_read_can_run_code_and_no_socket_is_open_to_all() -> None:
    assert findings(*(REPOSITORY / name for name in SOURCES)) == ""


def test_arrays_and_weights_are_read_as_data() -> None:
    wrong = [
        f"{path}:{line}: {what}"
        for path in sources()
        for line, what in loads(ast.parse(path.read_text()))
    ]
    assert not wrong, "\n".join(wrong)


def test_the_check_sees_what_it_should(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import pickle, yaml, subprocess, socket\n"
        "pickle.loads(b'')\n"
        "eval('1')\n"
        "yaml.load('', Loader=yaml.Loader)\n"
        "subprocess.run('ls', shell=True)\n"
        "socket.socket().bind(('0.0.0.0', 1))\n"
    )
    told = findings(bad)
    for line in range(1, 7):
        assert f"bad.py:{line}:" in told
    assert loads(ast.parse("np.load(f, allow_pickle=True)\ntorch.load(f)")) != []
