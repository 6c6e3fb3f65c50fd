"""Writers: what makes an episode and its facts of a run of turns."""
