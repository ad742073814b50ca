"""`helpdesk demo`: a temporary home with a month of messages, labels, edits and nights, to look at."""
