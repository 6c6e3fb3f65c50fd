"""Moving an app from ConversationBufferMemory and from a vector-store memory to LightMem.

Both imports can be done again at any time: what is there already changes nothing.
LangChain warns that its classic memories and chains are on their way out.
"""

from langchain_classic.chains import ConversationChain
from langchain_classic.memory import ConversationBufferMemory, VectorStoreRetrieverMemory
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemMemory, import_documents, import_messages
from lightmem_integrations.testing import ExtractiveChatModel

# What the app has so far: a conversation, and a vector store that remembers older ones.
conversation = ConversationBufferMemory()
conversation.save_context({"input": "My cat is called Mimi."}, {"output": "A nice name."})

vectors = InMemoryVectorStore(DeterministicFakeEmbedding(size=32))
older = VectorStoreRetrieverMemory(retriever=vectors.as_retriever())
older.save_context({"input": "I moved to Lisbon in May."}, {"output": "How is it there?"})

with LightMem() as memory:
    done = import_messages(memory, conversation, user_id="alice", session_id="current")
    print(f"{done.turns} turns of the conversation")

    # Of Chroma: zip(*(store.get()[of] for of in ("ids", "documents", "metadatas")))
    documents = [
        Document(each["text"], id=each["id"], metadata=each["metadata"])
        for each in vectors.store.values()
    ]
    done = import_documents(memory, documents, user_id="alice", session_id="older")
    print(f"{done.turns} turns of the vector store")

    # memory=ConversationBufferMemory() before; nothing else of the chain changes:
    chain = ConversationChain(
        llm=ExtractiveChatModel(),  # put your own chat model here
        memory=LightMemMemory(memory=memory, user_id="alice", session_id="current"),
    )
    print(chain.invoke({"input": "When did I move to Lisbon?"})["response"])
