"""Files that come in and go out: FAQ, training examples, labelled sets, reports of nights."""
