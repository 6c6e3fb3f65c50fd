"""The online path, one file for each stage: plan, coarse, select, pack.

``plan`` reads the question; ``coarse`` collects candidates by meaning and by words; ``select``
scores them; ``pack`` fits the best into the token budget. No stage waits for a generative model.
"""
