"""Knowledge: facts from claim to record; asking for them and correcting them."""
