"""Pytest plugin: every agent that LangChain's tests make has LightMemMiddleware before it."""

import functools
import sys
import uuid

from langchain.agents import factory

from langchain import agents
from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemMiddleware

_opened = LightMem()
_opened.warm_up()
_made = []
_original = factory.create_agent


@functools.wraps(_original)
def create_agent(model, tools=None, *, middleware=(), **options):
    _made.append(1)
    ours = LightMemMiddleware(_opened, user_id=uuid.uuid4().hex, name="LightMemEverywhere")
    return _original(model, tools, middleware=[ours, *middleware], **options)


for _module in [agents, factory, *sys.modules.values()]:
    if getattr(_module, "create_agent", None) is _original:
        _module.create_agent = create_agent


def pytest_sessionfinish(session):
    _opened.close()
    if not _made:
        session.exitstatus = 1
