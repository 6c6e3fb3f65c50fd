"""The Controller: what a question asks for."""
