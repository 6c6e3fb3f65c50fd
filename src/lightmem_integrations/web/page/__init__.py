"""The page on which one looks at a memory: rendered here, on loopback, without outside requests."""
