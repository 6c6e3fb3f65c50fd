"""The ledger's schema, step by step: numbered SQL that is never changed once it was released."""
