"""An LCEL chain with memory: one step that recalls, and a wrapper that records."""

from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnablePassthrough

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemRecall, record_turns
from lightmem_integrations.testing import ExtractiveChatModel

model = ExtractiveChatModel()  # quotes what it is given; put your own chat model here
prompt = ChatPromptTemplate([("system", "Be brief.\n\n{memory}"), ("human", "{question}")])

with LightMem() as memory:
    recall = LightMemRecall(memory=memory, input_key="question")
    chain = record_turns(
        RunnablePassthrough.assign(memory=recall) | prompt | model | StrOutputParser(),
        memory,
        input_key="question",
    )

    monday = {"configurable": {"user_id": "alice", "session_id": "monday"}}
    chain.invoke({"question": "My train to Porto leaves at nine on Saturday."}, monday)

    friday = {"configurable": {"user_id": "alice", "session_id": "friday"}}
    for piece in chain.stream({"question": "When does the train leave?"}, friday):
        print(piece, end="", flush=True)
    print()

    questions = [{"question": "Where does the train go?"}] * 2
    users = [{"configurable": {"user_id": user_id}} for user_id in ("alice", "bob")]
    for config, answer in zip(users, chain.batch(questions, users), strict=True):
        print(f"{config['configurable']['user_id']}: {answer}")
