"""The page, the HTTP API and the MCP server over one memory: they translate, nothing more."""
