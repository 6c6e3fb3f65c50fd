"""Small models behind small Protocols; nothing is loaded before its first use."""
