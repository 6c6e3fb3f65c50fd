"""What a fact is, from claim to record; asking for facts and correcting them."""
