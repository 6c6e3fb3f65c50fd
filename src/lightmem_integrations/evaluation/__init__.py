"""Evaluation of retrieval: questions with known evidence, asked of several retrievers.

``run.evaluate`` measures, ``report.tables`` shows. Nothing here is needed to use the library.
"""
