"""A labelled data set played as months of traffic, through the front doors."""
