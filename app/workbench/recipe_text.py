"""Recipes as the window writes and reads them: text in JSON, which the engine alone takes apart.

What can be seen without the engine is said while it is typed; types and parts are judged by a dry run.
"""

import json
from typing import Any

from app.translation import tr


def recipe_of_type(type_name: str) -> str:
    """The recipe that is one of llama.cpp's mixtures and nothing else."""
    return json.dumps({"name": type_name, "base": type_name, "rules": []}, indent=1) + "\n"


def recipe_name(recipe: str) -> str:
    """What a recipe is called; its base type where it has no name."""
    try:
        described = json.loads(recipe)
    except ValueError:
        return "?"
    if not isinstance(described, dict):
        return "?"
    return str(described.get("name") or described.get("base") or "?")


def recipe_fault(recipe: str) -> str:
    """What is wrong with the form of a recipe's text, in words; empty where nothing is."""
    try:
        described = json.loads(recipe)
    except json.JSONDecodeError as error:
        return tr(
            "Line {line}, column {column}: this is no JSON ({reason}).",
            line=error.lineno,
            column=error.colno,
            reason=error.msg,
        )
    if not isinstance(described, dict):
        return tr("A recipe is an object in braces.")
    if not described.get("base"):
        return tr("“base” is missing: the type of every tensor without a rule.")
    rules = described.get("rules", [])
    if not isinstance(rules, list):
        return tr("“rules” is no list.")
    for number, rule in enumerate(rules, 1):
        if fault := _rule_fault(rule):
            return tr("Rule {number}: {fault}", number=number, fault=fault)
    return ""


def _rule_fault(rule: Any) -> str:
    if not isinstance(rule, dict):
        return tr("it is no object in braces.")
    if not rule.get("type"):
        return tr("“type” is missing.")
    if not rule.get("part") and not rule.get("tensors"):
        return tr("“part” or “tensors” is missing: which tensors it is for.")
    return ""
