"""PostgreSQL's steps."""
