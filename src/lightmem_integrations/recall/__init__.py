"""The online path: plan -> coarse -> select -> re-rank -> fuse -> pack; `pipeline` runs it.

``plan`` reads the question, ``coarse`` collects candidates by meaning and by words, ``select``
scores them, ``rerank`` lets a model judge the best, ``tiers`` fuses turns with facts, ``pack`` fits
the best into the token budget. No stage waits for a generative model beyond a deadline.
"""
