"""Candidate bundles: built and sealed; old ones removed."""
