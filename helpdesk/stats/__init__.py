"""Statistics on plain numbers: intervals, many tests at one level, estimates from a random sample."""
