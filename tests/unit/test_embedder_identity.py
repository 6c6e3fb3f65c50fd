"""Which embedder a store was built with is found out once, whoever asks first."""

import threading
import time

from lightmem_integrations import LightMem, Settings, Turn
from lightmem_integrations.testing import HashEmbedder


class Drifting(HashEmbedder):
    """No good at two threads: what it gives a text depends on how many are at it."""

    def __init__(self, dimension):
        super().__init__(dimension)
        self.at_work = 0

    def embed_documents(self, texts):
        self.at_work += 1
        time.sleep(0.2)
        vectors = super().embed_documents(texts)
        turned = vectors[:, :: -1 if self.at_work > 1 else 1].copy()
        self.at_work -= 1
        return turned


def test_two_threads_take_no_embedder_for_another_one(tmp_path):
    settings = Settings(background_indexing=False)
    with LightMem(tmp_path / "store", embedder=Drifting(8), settings=settings) as memory:
        threads = [threading.Thread(target=memory.warm_up) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        memory.add(Turn(role="user", text="A heron by the river."), user_id="ann")
        memory.index_pending()
        assert memory.recall("heron", user_id="ann", strict=True).hits
    with LightMem(tmp_path / "store", embedder=Drifting(8), settings=settings) as memory:
        assert memory.recall("heron", user_id="ann", strict=True).hits
