"""Faults in the FAQ and its phrasings, found and explained."""
