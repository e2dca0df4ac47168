"""What each key of the settings means, for their JSON schema and their tables.

It stands under the fields as a string. pydantic itself would read it whenever classes are made
(`use_attribute_docstrings`), which takes a tenth of a second of each start.
"""

import ast
import inspect
from itertools import pairwise

from polysve.settings.model import Model


def descriptions(model: type[Model]) -> dict[str, str]:
    """Description of each field of a settings class that has one.

    Examples
    --------
    >>> from polysve.settings.labels import MeshSettings
    >>> descriptions(MeshSettings)["merge_fraction"]
    'Vertices closer than this, over the grain size, become one.'
    """
    found = {name: field.description for name, field in model.model_fields.items()}
    for each in reversed(model.__mro__):
        if issubclass(each, Model):
            found |= _strings(each)
    return {name: text for name, text in found.items() if text}


def json_schema(model: type[Model]) -> dict:
    """JSON schema of a settings class and those in its fields."""
    schema = model.model_json_schema()
    definitions = {model.__name__: schema, **schema.get("$defs", {})}
    for each in _subclasses(Model):
        if each.__name__ in definitions:
            properties = definitions[each.__name__]["properties"]
            texts = descriptions(each)
            for key in properties.keys() & texts.keys():
                properties[key]["description"] = texts[key]
    return schema


def _subclasses(model: type[Model]) -> list[type[Model]]:
    return [found for child in model.__subclasses__() for found in [child, *_subclasses(child)]]


def _strings(model: type[Model]) -> dict[str, str]:
    """Strings under the fields in the source of a class, by field."""
    (definition,) = ast.parse(inspect.getsource(model)).body
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
    }
