"""What lives while a store is open."""
