"""Real servers, killed, frozen, filled up and lied to: what docs/reliability.md says is what a run of this found."""
