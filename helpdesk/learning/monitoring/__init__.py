"""Does traffic still look like what the version in service learnt from? Reports only."""
