"""How well memories are found: questions with known evidence, asked of several retrievers at once.

``run.evaluate`` measures, ``report.tables`` shows. Nothing here is needed to use the library.
"""
