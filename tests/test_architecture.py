"""The walls of the design, read off the source tree: who imports whom, and how long things are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GENERATED = [ROOT / "ovseg_ros" / name for name in ("msg", "srv", "_lib")]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

ROS_MODULES = re.compile(
    r"(rclpy|launch|launch_ros|ament_index_python|rosidl_\w+|\w+_msgs|std_srvs"
    r"|builtin_interfaces|ovseg_ros\.(msg|srv))(\.|$)"
)
HEAVY_MODULES = ("torch", "tensorrt", "openvino", "mujoco", "onnx", "rclpy", "ovseg_train")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[Path]:
    """Return the hand-written Python files under `folders`, relative to the repository."""
    return [
        path.relative_to(ROOT)
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not any(generated in path.parents for generated in GENERATED)
    ]


PRODUCT = sources("ovseg_ros", "ovseg_train", "tools", "launch")
EVERYTHING = [*PRODUCT, *sources("tests"), Path("setup.py")]


@cache
def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse((ROOT / path).read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Yield the full name of everything a file imports, at any depth of the file."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute in this project"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[tuple[str, Function, bool]]:
    """Yield (qualified name, node, is public) of the functions that are not inside functions."""

    def visit(body: list[ast.stmt], prefix: str, public: bool) -> Iterator[tuple]:
        for node in body:
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                continue
            seen = public and (not node.name.startswith("_") or node.name == "__init__")
            if isinstance(node, ast.ClassDef):
                yield from visit(node.body, f"{prefix}{node.name}.", seen)
            else:
                yield prefix + node.name, node, seen

    yield from visit(tree_of(path).body, "", True)


def test_the_tree_is_found() -> None:
    assert Path("ovseg_ros/segmenter.py") in PRODUCT
    assert "numpy" in {name.partition(".")[0] for path in PRODUCT for name in imports(path)}


TRAINING = re.compile(r"ovseg_train(\.|$)")

# Who (a folder), except which part of it, must not import what.
WALLS = [
    pytest.param("ovseg_ros", "ovseg_ros/nodes", ROS_MODULES, id="only the nodes know ROS"),
    pytest.param("ovseg_ros", None, TRAINING, id="the robot has no training code"),
    pytest.param("ovseg_train", None, ROS_MODULES, id="training runs without ROS"),
]


@pytest.mark.parametrize(("folder", "exempt", "forbidden"), WALLS)
def test_walls_hold(folder: str, exempt: str | None, forbidden: re.Pattern[str]) -> None:
    crossings = [
        f"{path} imports {name}"
        for path in sources(folder)
        if exempt is None or Path(exempt) not in path.parents
        for name in imports(path)
        if forbidden.match(name)
    ]
    assert not crossings, "\n".join(crossings)


def test_arrows_run_from_the_nodes_down() -> None:
    above = {"ovseg_ros/nodes", "ovseg_ros/commands", "ovseg_ros/cli.py"}
    crossings = [
        f"{path} imports {name}"
        for path in sources("ovseg_ros")
        if not any(path.as_posix().startswith(folder) for folder in above)
        for name in imports(path)
        if name.startswith("ovseg_ros.nodes")
    ]
    assert not crossings, "\n".join(crossings)


@pytest.mark.parametrize("module", ["ovseg_ros", "ovseg_ros.segmenter", "ovseg_ros.cli"])
def test_importing_the_runtime_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    heavy = set(done.stdout.split()) & set(HEAVY_MODULES)
    assert not heavy, f"importing {module} loads {sorted(heavy)}"


def test_files_and_functions_are_short() -> None:
    problems = []
    for path in EVERYTHING:
        lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE_LINES:
            problems.append(f"{path} has {lines} lines, more than {MAX_FILE_LINES}")
        for name, node, _ in functions(path):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                problems.append(f"{path}:{node.lineno}: {name} has {lines} lines")
    assert not problems, "\n".join(problems)


def test_modules_and_public_functions_are_documented_and_annotated() -> None:
    problems = [f"{path} has no docstring" for path in PRODUCT if not is_documented(path)]
    for path in PRODUCT:
        for name, node, public in functions(path):
            if not public:
                continue
            # What a class is made from is told by the docstring of the class.
            if not (ast.get_docstring(node) or name.endswith(".__init__") or overrides(node)):
                problems.append(f"{path}:{node.lineno}: {name} has no docstring")
            if not is_annotated(node):
                problems.append(f"{path}:{node.lineno}: {name} is not fully annotated")
    assert not problems, "\n".join(problems)


def is_documented(path: Path) -> bool:
    """Say whether the module has a docstring."""
    return ast.get_docstring(tree_of(path)) is not None


def overrides(node: Function) -> bool:
    """Say whether a method says by its decorator that its documentation is elsewhere."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"override", "overload", "setter"})


def is_annotated(node: Function) -> bool:
    """Say whether the result and all parameters but self and cls have annotations."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    arguments += [extra for extra in (node.args.vararg, node.args.kwarg) if extra]
    named = [argument for argument in arguments if argument.arg not in ("self", "cls")]
    return node.returns is not None and all(argument.annotation for argument in named)


TEXT_ENDINGS = {".py", ".md", ".rst", ".txt", ".toml", ".yaml", ".xml", ".cmake", ".msg", ".srv"}
# Folders of one machine; written so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(wo[r]k|ro[o]t|ho[m]e/\w+|Use[r]s/\w+|tm[p])/")


def committed_texts() -> list[Path]:
    """Return the text files that git tracks, relative to the repository; none outside of git."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    names = [Path(line) for line in listed.stdout.splitlines()]
    return [p for p in names if p.suffix in TEXT_ENDINGS and (ROOT / p).is_file()]


def test_no_file_names_a_path_of_one_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in committed_texts()
        for number, line in enumerate((ROOT / path).read_text("utf-8").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not found, "\n".join(found)


def test_one_version_everywhere() -> None:
    import ovseg_ros

    declared = re.search(r"<version>(.+)</version>", (ROOT / "package.xml").read_text("utf-8"))
    assert declared is not None
    assert ovseg_ros.__version__ == declared[1]
