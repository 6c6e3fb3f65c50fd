"""The vector index in Chroma."""
