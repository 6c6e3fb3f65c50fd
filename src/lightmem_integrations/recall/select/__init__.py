"""The Selector: features of every candidate, their weighted sum, and the best of them first."""
