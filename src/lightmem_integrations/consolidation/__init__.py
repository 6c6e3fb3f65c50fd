"""The offline path: segment, write, integrate, decay. Never inside a user's request."""
