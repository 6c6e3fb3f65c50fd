"""Query engines over a user's memory and over documents, with the re-ranker.

pip install 'lightmem-integrations[llama-index]'
python examples/llama_index/query_with_reranker.py
"""

from __future__ import annotations

from llama_index.core import MockEmbedding, Settings, VectorStoreIndex
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.response_synthesizers import ResponseMode
from llama_index.core.schema import TextNode

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.llama_index import LightMemRerank, LightMemRetriever
from lightmem_integrations.testing import ExtractiveLLM

Settings.llm = ExtractiveLLM()  # put your own model here
rerank = LightMemRerank(top_n=2, max_tokens=200)

with LightMem() as store:
    said = ["I prefer to fly with TAP.", "My sister plays the cello.", "I sleep badly on planes."]
    store.add([Turn(role="user", text=text) for text in said], user_id="alice")
    engine = RetrieverQueryEngine.from_args(
        LightMemRetriever(store, user_id="alice", k=20),
        node_postprocessors=[rerank],
        response_mode=ResponseMode.NO_TEXT,  # shows the nodes alone; leave it out for answers
    )
    for node in engine.query("Which airline do I prefer to fly with?").source_nodes:
        print(f"{node.score:.2f}  {node.text}")

# It ranks any nodes. This index cannot: every text has the same vector.
nodes = [TextNode(text=text) for text in ("Parking is free.", "Breakfast is at seven.", "No pets.")]
index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=3))
documents = index.as_query_engine(
    similarity_top_k=20,
    node_postprocessors=[rerank],
    response_mode=ResponseMode.NO_TEXT,
)
print(documents.query("When can I eat in the morning?").source_nodes[0].text)
