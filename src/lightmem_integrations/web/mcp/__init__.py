"""The MCP server: memory as tools and resources for any client of the protocol."""
