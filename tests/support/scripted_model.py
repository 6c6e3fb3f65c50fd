"""A language model for tests, without a model."""

import json

from lightmem_integrations import Completion


class ScriptedModel:
    """Gives one answer after the other, the last one again and again; keeps what it was asked.

    Answers are texts, dicts and lists that become JSON, or exceptions that are raised. ``asked``
    holds the messages, the schema and the seconds of each call.
    """

    name = "scripted"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def complete(self, messages, *, schema=None, max_tokens=256, seconds=None):
        self.asked.append((messages, schema, seconds))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return Completion(
            json.dumps(answer) if isinstance(answer, (dict, list)) else answer, 100, 20
        )
