"""Finding what is inside a message, in resource-limited child processes."""
