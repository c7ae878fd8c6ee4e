"""What "imports point down only" means, enforced over the syntax trees of the package.

The levels are those of the architecture: a module may import the modules of lower levels and those
that stand before it on its own level, except on level 2, whose modules do not know one another.
Imports inside functions count: where an import stands decides when it is paid, not what depends on
what. Nothing here imports the package, it only reads it.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "kubectl_gitops"

LEVELS: tuple[tuple[str, ...], ...] = (
    ("errors", "resource"),
    (
        "pointer",
        "annotations",
        "manifest",
        "catalog",
        "builtin",
        "selector",
        "arguments",
        "envelope",
        "fields",
        "equality",
        "merge",
        "recording",
        "message",
        "history",
        "ports",
        "takeover",
        "health",
        "ordering",
        "applyset",
        "sealing",
        "plan",
        "derived",
    ),
    ("cluster", "store", "settings"),
    ("reconcile",),
    ("operations", "render"),
    ("controller", "cli", "__main__"),
)
INDEPENDENT = 2
"""The level whose modules may not import one another."""

PURE = frozenset(LEVELS[0] + LEVELS[1])
"""The modules that decide and never do: no file, no process, no network, no clock, no chance."""

OWNERS: dict[str, frozenset[str]] = {
    "click": frozenset({"cli"}),
    "cryptography": frozenset({"envelope"}),
    "dulwich": frozenset({"store"}),
    "jsonpatch": frozenset({"history"}),
    "kubernetes": frozenset({"cluster"}),
    "platformdirs": frozenset({"settings"}),
    "rich": frozenset({"render", "cli"}),
    "tomlkit": frozenset({"settings"}),
    "urllib3": frozenset({"cluster", "store"}),
    "yaml": frozenset({"manifest"}),
}
COMES_WITH = {"jsonpointer": "jsonpatch"}
"""Libraries that belong to another one, and so to its owner."""

WORLD = re.compile(
    r"(asyncio|concurrent|fcntl|getpass|glob|http|logging|multiprocessing|os|pathlib(?!\.Pure)|random"
    r"|secrets|select|shutil|signal|socket|sqlite3|ssl|subprocess|tempfile|time"
    r"|urllib\.request|uuid)(\.|$)"
)
"""Imports of the world outside. `pathlib` has a pure half, the classes that only compute."""
WORLD_CALLS = frozenset({"breakpoint", "input", "open", "print"})
WORLD_METHODS = frozenset({"now", "today", "utcnow", "read_text", "read_bytes", "write_text"})
WORLD_ATTRIBUTES = frozenset({"sys.argv", "sys.stderr", "sys.stdin", "sys.stdout"})

CHANCE: dict[str, frozenset[str]] = {"envelope": frozenset({"secrets"})}
"""A new key comes from the system's generator, whoever asks: the one chance that is no argument."""

EMPTY_WORDS = frozenset({"base", "common", "core", "factory", "handler", "impl", "manager"})
EMPTY_WORDS |= {"helper", "helpers", "util", "utils"}
FUNCTION_WORDS = EMPTY_WORDS - {"base", "common", "core", "manager"}
"""In functions the four are the field's own: `merge_base`, `core` the API group, field manager."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file of the package: its dotted name, whether it is an `__init__`, its text."""

    name: str
    is_package: bool
    text: str

    @property
    def part(self) -> str:
        """The module of the architecture it belongs to, empty for the package itself."""
        return part(self.name)

    @property
    def tree(self) -> ast.Module:
        return _tree(self)


@cache
def _tree(module: Module) -> ast.Module:
    return ast.parse(module.text, filename=module.name)


def part(name: str) -> str:
    """`manifest` for `kubectl_gitops.manifest.model`."""
    return [*name.split("."), ""][1]


@cache
def modules() -> tuple[Module, ...]:
    return tuple(_module(file) for file in sorted((ROOT / PACKAGE).rglob("*.py")))


def _module(file: Path) -> Module:
    parts = file.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    return Module(name, is_package, file.read_text("utf-8"))


def imported(module: Module) -> set[str]:
    """Every dotted name the module imports, wherever in the file; `from a import b` gives `a.b`."""
    return {name for node in ast.walk(module.tree) for name in _names(module, node)}


def _names(module: Module, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        source = _source(module, node)
        yield from (f"{source}.{alias.name}" for alias in node.names)


def _source(module: Module, node: ast.ImportFrom) -> str:
    """What `from … import` names, absolute: `from .model import x` in `a.b.c` is `a.b.model`."""
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    kept = len(parts) - node.level + module.is_package
    return ".".join(parts[:kept] + ([node.module] if node.module else []))


def allowed(importer: str) -> frozenset[str]:
    """The parts that one part may import, itself included."""
    below: list[str] = []
    for number, level in enumerate(LEVELS):
        if importer in level:
            beside = () if number == INDEPENDENT else level[: level.index(importer)]
            return frozenset({*below, *beside, importer})
        below += level
    return frozenset()


def upward_imports(module: Module) -> list[str]:
    """What a module imports of the package although it stands above or beside it."""
    ours = {part(name) for name in imported(module) if name.split(".")[0] == PACKAGE}
    return sorted(name for name in ours & _parts() if name not in allowed(module.part))


def _parts() -> set[str]:
    return {name for level in LEVELS for name in level} | {m.part for m in modules() if m.part}


def foreign_libraries(module: Module) -> list[str]:
    """Third-party libraries that a module imports without owning them."""
    roots = {name.split(".")[0] for name in imported(module)}
    foreign = roots - set(sys.stdlib_module_names) - {PACKAGE}
    return sorted(
        root for root in foreign if module.part not in OWNERS.get(COMES_WITH.get(root, root), ())
    )


def touches(module: Module) -> list[str]:
    """Where a module reaches for the world outside itself, as `line: what`."""
    own = {node.name for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    own |= CHANCE.get(module.part, set())
    found = [
        (node.lineno, what)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.expr | ast.stmt)
        for what in _touched(module, node)
        if what not in own
    ]
    return [f"{line}: {what}" for line, what in sorted(found)]


def _touched(module: Module, node: ast.expr | ast.stmt) -> Iterator[str]:
    yield from (name for name in _names(module, node) if WORLD.match(name))
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in WORLD_CALLS:
            yield name
        case ast.Call(func=ast.Attribute(attr=name)) if name in WORLD_METHODS:
            yield name
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            yield from {f"{owner}.{name}"} & WORLD_ATTRIBUTES


def import_graph() -> dict[str, set[str]]:
    """Who imports whom, file by file; an import of a name is one of the module that defines it."""
    known = {module.name for module in modules()}
    return {m.name: {_nearest(name, known) for name in imported(m)} - {""} for m in modules()}


def _nearest(name: str, known: set[str]) -> str:
    while name and name not in known:
        name = name.rpartition(".")[0]
    return name


@dataclass(frozen=True, slots=True, order=True)
class Length:
    """How many lines something has; for a function its decorators do not count."""

    lines: int
    name: str


def function_lengths() -> list[Length]:
    return sorted(
        (
            Length((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.name}.{node.name}")
            for module in modules()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        reverse=True,
    )


def module_lengths() -> list[Length]:
    return sorted((Length(len(m.text.splitlines()), m.name) for m in modules()), reverse=True)


def table(title: str, rows: list[Length]) -> str:
    return "\n".join([f"\n{title}", *(f"{row.lines:>5}  {row.name}" for row in rows)])


def empty_names(module: Module) -> list[str]:
    """Names of modules, classes and functions that say nothing about what the thing is."""
    stem = module.name.rpartition(".")[2]
    names = [stem] if EMPTY_WORDS & set(stem.split("_")) else []
    return names + [
        node.name
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ClassDef) and EMPTY_WORDS & set(_class_words(node.name)))
        or (isinstance(node, ast.FunctionDef) and FUNCTION_WORDS & set(node.name.split("_")))
    ]


def _class_words(class_name: str) -> list[str]:
    """`PatchHandler` as `patch`, `handler`. A field manager is Kubernetes' own word for a thing."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", class_name.replace("FieldManager", "Owner"))
    return spaced.lower().split()


def loose_classes(module: Module) -> list[str]:
    """Classes that inherit from ours, are abstract or thawed, as `name: why`."""
    return [
        f"{node.name}: {why}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for why in _loose(module, node)
    ]


@cache
def _our_classes() -> frozenset[str]:
    nodes = (node for module in modules() for node in ast.walk(module.tree))
    return frozenset(node.name for node in nodes if isinstance(node, ast.ClassDef))


def _loose(module: Module, node: ast.ClassDef) -> Iterator[str]:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    yield from (f"inherits from {name}" for name in sorted(bases & _our_classes()))
    if bases & {"Exception", "BaseException"} and node.name != "GitopsError":
        yield "a second exception"
    if bases & {"ABC", "Protocol"} and module.part != "ports":
        yield "abstract outside ports"
    # What flows between modules is frozen; what gathers inside one of them may change.
    flows = module.part in PURE and not node.name.startswith("_")
    wanted = {"frozen=True", "slots=True"} if flows else {"slots=True"}
    for decorator in map(ast.unparse, node.decorator_list):
        if re.match(r"(dataclasses\.)?dataclass\b", decorator):
            missing = wanted - set(re.findall(r"\w+=True", decorator))
            yield from (f"a dataclass without {option}" for option in sorted(missing))
