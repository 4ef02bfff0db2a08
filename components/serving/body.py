"""What every request body has in common: whole characters, and no field that is accepted and then ignored."""

import json
from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

NOT_TEXT, UNSUPPORTED, UNKNOWN = "not_text", "unsupported_parameter", "unknown_parameter"
"""Types of pydantic's errors that become the `code` of OpenAI's; their context names the field (`param`)."""
HALF = "has half of a surrogate pair (\\ud800 to \\udfff alone); send whole characters"


class Body(BaseModel):
    """A JSON object whose texts hold no half of a surrogate pair, which could be neither stored nor answered."""

    @model_validator(mode="before")
    @classmethod
    def _whole_characters(cls, given: object) -> object:
        for name, value in given.items() if isinstance(given, dict) else ():
            try:
                json.dumps({name: value}, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                # by its escapes: the name itself may be what cannot be said
                raise _refusal(NOT_TEXT, ascii(name)[1:-1][:80], HALF) from None
            except RecursionError:
                raise _refusal(NOT_TEXT, ascii(name)[1:-1][:80], "is nested too deeply; send a flat value") from None
        return given


class OpenAIBody(Body):
    """A body of OpenAI's API. A field with the value null counts as left out; one that is not known here is refused by
    name, so is one that is known and not supported, unless its value asks for nothing beyond what every reply is."""

    model_config = ConfigDict(strict=True)

    refused: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {}
    """Fields that are not supported: what to do instead, and the values that ask for nothing."""

    @model_validator(mode="before")
    @classmethod
    def _nothing_ignored(cls, given: object) -> object:
        if not isinstance(given, dict):
            return given
        asked = {name: value for name, value in given.items() if value is not None}
        for name, value in asked.items():
            instead, harmless = cls.refused.get(name, ("", ()))
            if instead and not any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in harmless):
                raise _refusal(UNSUPPORTED, name, f"this endpoint cannot do that: {instead}")
            if not instead and name not in cls.model_fields:
                raise _refusal(UNKNOWN, ascii(name)[1:-1][:80], "not a field that this endpoint knows; leave it out")
        return {name: value for name, value in asked.items() if name not in cls.refused}


def _refusal(kind: str, param: str, message: str) -> PydanticCustomError:
    # braces of a caller's text would be read as places of the template
    return PydanticCustomError(kind, "{message}", {"param": param, "message": message})
