"""What there is to learn from: the dataset of a night, its splits, and labels in quarantine."""
