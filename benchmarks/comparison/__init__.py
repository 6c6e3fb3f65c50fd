"""Comparison of this library's rows with retrievers of other frameworks.

On top of ``lightmem_integrations.evaluation``: costs of writing, evidence at equal tokens, and
paired differences to the best baseline.
"""
