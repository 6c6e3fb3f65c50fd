"""What a model may say in a call of a memory tool: nothing about whose memory it is."""

from __future__ import annotations

from pydantic import BaseModel, Field

_ID = Field(description="Id of the memory, exactly as search_memory shows it in brackets.")


class SearchInput(BaseModel):
    """What the model gives to look something up."""

    query: str = Field(description="What to look for, in a few words or as a question.")


class RememberInput(BaseModel):
    """What the model gives to keep something."""

    text: str = Field(description="What to remember, as one complete sentence.")


class ForgetInput(BaseModel):
    """What the model gives to erase something."""

    memory_id: str = _ID


class CorrectInput(BaseModel):
    """What the model gives to put something right."""

    memory_id: str = _ID
    text: str = Field(description="What holds instead, as one complete sentence.")
