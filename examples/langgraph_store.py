"""LangMem's memory tools on LightMemStore: the agent writes and searches items, per user."""

from typing import Any

from langchain.agents import create_agent
from langchain_core.language_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langmem import create_manage_memory_tool, create_search_memory_tool

from lightmem_integrations.langchain import LightMemStore


class ScriptedChatModel(FakeMessagesListChatModel):
    """Says what its script says; put your own chat model in its place."""

    def bind_tools(self, *_: Any, **__: Any) -> "ScriptedChatModel":
        """The script calls tools by itself."""
        return self


def call(name: str, **args: str) -> AIMessage:
    """What a model answers to call a tool."""
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": name}])


NAMESPACE = ("memories", "{user_id}")
tools = [
    create_manage_memory_tool(namespace=NAMESPACE),
    create_search_memory_tool(namespace=NAMESPACE),
]

with LightMemStore.from_path() as store:  # from_path("./memory") keeps it
    for user_id, likes in (("alice", "green tea"), ("bob", "espresso")):
        script = [
            call("manage_memory", content=f"The user drinks {likes}.", action="create"),
            AIMessage("Noted."),
            call("search_memory", query="What does the user drink?"),
            AIMessage("As found."),
        ]
        agent = create_agent(ScriptedChatModel(responses=script), tools=tools, store=store)
        config = {"configurable": {"user_id": user_id}}
        agent.invoke({"messages": [("user", f"I drink {likes}.")]}, config)
        state = agent.invoke({"messages": [("user", "What do I drink?")]}, config)
        print(f"{user_id}: {state['messages'][-2].text}")

    # The same items without any agent, by meaning:
    for item in store.search(("memories", "alice"), query="hot drinks", limit=1):
        print(item.value["content"], item.score is not None)
