"""Where an answer comes from, and what would change without a row."""
