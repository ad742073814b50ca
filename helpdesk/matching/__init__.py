"""text -> answer decision. No SQL, no Flask, no torch."""
