"""Language, for writing and asking alike: terms, sentences, dates, names."""
