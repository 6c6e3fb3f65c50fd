"""An agent that knows in a new session what each of its users said in an earlier one."""

from langchain.agents import create_agent
from langgraph.checkpoint.memory import InMemorySaver

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemMiddleware
from lightmem_integrations.testing import ExtractiveChatModel

model = ExtractiveChatModel()  # quotes what it is given; put your own chat model here

SAID = {
    "alice": "My daughter's birthday party is on Saturday, and she is allergic to nuts.",
    "bob": "I booked the party room of the bowling alley for my daughter.",
}

with LightMem() as memory:  # LightMem("./memory") keeps it in a folder
    agent = create_agent(
        model,
        tools=[],
        middleware=[LightMemMiddleware(memory)],
        checkpointer=InMemorySaver(),
    )

    def ask(user_id: str, thread_id: str, text: str) -> str:
        """One turn of the agent."""
        config = {"configurable": {"user_id": user_id, "thread_id": thread_id}}
        state = agent.invoke({"messages": [("user", text)]}, config)
        return str(state["messages"][-1].text)

    for user_id, text in SAID.items():
        ask(user_id, f"monday with {user_id}", text)

    for user_id in SAID:
        answer = ask(user_id, f"friday with {user_id}", "What about my daughter's party?")
        print(f"{user_id}: {answer}")
