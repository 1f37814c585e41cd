"""Rules about the code itself that no linter knows: what outgrows its reader fails here."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
ROOT = Path(__file__).parents[2]
PROGRAMS = ("raftkv", "jepsen_tests", "bench")
NAMES_THAT_SAY_NOTHING = frozenset({"base", "common", "helpers", "manager", "misc", "utils"})
LINE_NUMBER_LINK = re.compile(r"\b[\w/]+\.py(?::|#L)\d+")


def source_files() -> list[Path]:
    """Every hand-written Python file."""
    files = (path for program in PROGRAMS for path in sorted((ROOT / program).rglob("*.py")))
    return [path for path in files if "pb" not in path.parts]


def test_a_file_fits_in_one_sitting() -> None:
    lengths = {path: path.read_text().count("\n") for path in source_files()}
    errors = [
        f"{path.relative_to(ROOT)}: {lines} lines, at most {FILE_LINES_MAX}"
        for path, lines in lengths.items()
        if lines > FILE_LINES_MAX and "tests" not in path.parts
    ]
    assert not errors, "\n".join(errors)


def functions() -> Iterator[tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function and method with its file."""
    for path in source_files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node


def test_a_function_fits_on_one_screen() -> None:
    errors = []
    for path, function in functions():
        lines = (function.end_lineno or 0) - function.lineno + 1
        if lines > FUNCTION_LINES_MAX:
            where = f"{path.relative_to(ROOT)}: {function.name}"
            errors.append(f"{where}: {lines} lines, at most {FUNCTION_LINES_MAX}")
    assert not errors, "\n".join(errors)


def test_every_module_opens_with_what_it_is_for() -> None:
    errors = [
        str(path.relative_to(ROOT))
        for path in source_files()
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert not errors, f"no docstring at the top of {errors}"


def test_a_file_has_a_name_that_says_what_is_in_it() -> None:
    errors = [
        str(path.relative_to(ROOT))
        for path in source_files()
        if NAMES_THAT_SAY_NOTHING & {path.stem, *path.relative_to(ROOT).parent.parts}
    ]
    assert not errors, errors


def test_nothing_points_at_a_line_number_which_moves() -> None:
    errors = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in source_files()
        if "tests" not in path.parts
        for match in LINE_NUMBER_LINK.finditer(path.read_text())
    ]
    assert not errors, "\n".join(errors)


def layer_of_each_package() -> dict[str, int]:
    """The packages of `raftkv` by how far down they lie, as the import contract has it."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = document["tool"]["importlinter"]["contracts"][0]["layers"]
    return {name: depth for depth, names in enumerate(layers) for name in names.split(" | ")}


def imports_for_types(tree: ast.Module) -> Iterator[str]:
    """The modules that are imported only under `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from (part.module or "" for part in node.body if isinstance(part, ast.ImportFrom))


def test_an_import_for_types_alone_goes_down_as_any_other() -> None:
    depths = layer_of_each_package()
    errors = []
    for path in source_files():
        program, package, *_ = (*path.relative_to(ROOT).with_suffix("").parts, "")
        for module in imports_for_types(ast.parse(path.read_text())):
            target = module.removeprefix("raftkv.").partition(".")[0]
            own = depths.get(package) if program == "raftkv" else None
            if own is not None and target in depths and depths[target] < own:
                errors.append(f"{path.relative_to(ROOT)}: {module}")
    assert not errors, errors
