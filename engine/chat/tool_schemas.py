"""What the offered tools say of their parameters, for models that write arguments without their types."""

from collections.abc import Mapping, Sequence
from typing import Any


class ToolSchemas:
    """The declared types of tools' parameters."""

    def __init__(self, tools: Sequence[Mapping[str, Any]] = ()) -> None:
        """`tools` are given as {"type": "function", "function": {"name", "parameters": a JSON schema}}."""
        self._types = dict(_declared_types(tools))
        names = (_mapping(tool.get("function", tool)).get("name") for tool in tools)
        self.names = tuple(name for name in names if isinstance(name, str) and name)

    def is_string(self, tool: str, parameter: str) -> bool:
        """Whether the parameter takes text and nothing else."""
        return self._types.get((tool, parameter)) == "string"


def _declared_types(tools: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[str, str], object]]:
    found = []
    for tool in tools:
        function = _mapping(tool.get("function", tool))
        properties = _mapping(_mapping(function.get("parameters")).get("properties"))
        for parameter, schema in properties.items():
            found.append(((str(function.get("name")), str(parameter)), _mapping(schema).get("type")))
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
