"""Everything that is remembered. No Flask, no machine learning."""
