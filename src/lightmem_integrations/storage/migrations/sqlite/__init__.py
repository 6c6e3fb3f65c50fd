"""SQLite's steps."""
