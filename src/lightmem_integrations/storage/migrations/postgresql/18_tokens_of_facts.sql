-- Token vectors of a fact's statement, as ``vectors.tokens`` has them of a turn. NULL in what was embedded
-- before: made with the next consolidation. Empty where the embedder gives none.

ALTER TABLE fact_vectors ADD COLUMN tokens BYTEA;
