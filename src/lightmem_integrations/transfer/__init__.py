"""Out and in: memory as a file of JSON lines, lossless, without vectors."""
