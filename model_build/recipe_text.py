"""A recipe as the text of a TOML file, with a comment above each number that needs one."""

import ast
import functools
import inspect
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from model_build import recipe as definitions

_WIDTH = 100
_CLASSES = {
    "": "Recipe",
    "frontend": "FrontendRecipe",
    "network": "NetworkRecipe",
    "augment": "AugmentRecipe",
    "training": "TrainingRecipe",
    "distillation": "DistillationRecipe",
    "decision": "DecisionRecipe",
}


def recipe_text(head: str, plain: Mapping[str, Any]) -> str:
    """TOML of a decoded recipe, each field under what ``recipe.py`` says of it, and ``head`` on top."""
    tables = {name: value for name, value in plain.items() if isinstance(value, dict)}
    lines = [*_comment(head), "", *_fields("", {k: v for k, v in plain.items() if k not in tables})]
    for name, fields in tables.items():
        lines += ["", *_comment(_docstrings().get(_CLASSES.get(name, ""), "")), f"[{name}]"]
        lines += _fields(name, fields)
    return "\n".join(lines) + "\n"


def _fields(table: str, fields: Mapping[str, Any]) -> Iterator[str]:
    of = _CLASSES.get(table, "")
    for name, value in fields.items():
        yield from _comment(_docstrings().get(f"{of}.{name}", ""))
        yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    """
    >>> _value([{"channels": 24, "kernel": [3, 5]}])
    '[\\n    { channels = 24, kernel = [3, 5] },\\n]'
    """
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"    {_value(item)},\n" for item in value) + "]"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text.replace("``", ""), _WIDTH)]


@functools.cache
def _docstrings() -> Mapping[str, str]:
    """What ``recipe.py`` says of each class and, as ``Class.field``, of each field."""
    found: dict[str, str] = {}
    for node in ast.parse(inspect.getsource(definitions)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        found[node.name] = ast.get_docstring(node) or ""
        for field, after in zip(node.body, node.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                found[f"{node.name}.{field.target.id}"] = _text(after)
    return found


def _text(node: ast.stmt) -> str:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return ""
    return " ".join(node.value.value.split()) if isinstance(node.value.value, str) else ""
