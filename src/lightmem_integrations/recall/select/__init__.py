"""The Selector: scores every candidate by what speaks for it, and puts the best first."""
