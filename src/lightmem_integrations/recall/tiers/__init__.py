"""Facts, summaries and shared statements beside the turns, all as hits in one list."""
