"""A deep agent that remembers its users: what they said, and the memory files it keeps on them."""

from dataclasses import dataclass
from typing import Any

from deepagents import create_deep_agent
from deepagents.backends import CompositeBackend, StateBackend, StoreBackend
from langchain_core.language_models import BaseChatModel, FakeMessagesListChatModel
from langchain_core.messages import AIMessage

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemMiddleware, LightMemStore
from lightmem_integrations.testing import ExtractiveChatModel


class ScriptedChatModel(FakeMessagesListChatModel):
    """Says what its script says; put your own chat model in its place."""

    def bind_tools(self, *_: Any, **__: Any) -> "ScriptedChatModel":
        """The script calls tools by itself."""
        return self


@dataclass
class User:
    """Who runs the agent: whose memory is recalled, and whose files lie under /memories/."""

    user_id: str


NOTES = "/memories/AGENTS.md"
taking_notes = ScriptedChatModel(
    responses=[
        AIMessage(
            "",
            tool_calls=[
                {
                    "name": "write_file",
                    "args": {"file_path": NOTES, "content": "The user eats no meat."},
                    "id": "note",
                }
            ],
        ),
        AIMessage("Noted."),
    ]
)
quoting = ExtractiveChatModel()  # quotes what it is given


with LightMem() as memory:  # LightMem("./memory") keeps it in a folder
    store = LightMemStore(memory)
    own_files = StoreBackend(
        store=store, namespace=lambda runtime: (runtime.context.user_id, "memories")
    )

    def ask(model: BaseChatModel, user_id: str, thread_id: str, text: str) -> str:
        """One turn of the agent, which is the same but for its model."""
        agent = create_deep_agent(
            model,
            middleware=[LightMemMiddleware(memory)],
            memory=[NOTES],  # shown to the model in each system message
            backend=CompositeBackend(StateBackend(), {"/memories/": own_files}),
            context_schema=User,
        )
        config = {"configurable": {"thread_id": thread_id}}
        state = agent.invoke({"messages": [("user", text)]}, config, context=User(user_id))
        return str(state["messages"][-1].text)

    ask(taking_notes, "alice", "monday", "I moved to Lisbon in May and I eat no meat.")

    for user_id in ("alice", "bob"):
        answer = ask(quoting, user_id, f"friday with {user_id}", "When did I move to Lisbon?")
        notes = [item.value["content"] for item in store.search((user_id, "memories"))]
        print(f"{user_id}: {answer} Notes: {notes}")
