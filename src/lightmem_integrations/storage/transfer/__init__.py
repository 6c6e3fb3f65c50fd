"""Memory as records without row ids: read from one ledger, written to another."""
