"""The parts that live while a store is open: its store, embedder, indexer and threads."""
