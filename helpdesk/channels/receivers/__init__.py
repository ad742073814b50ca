"""Where cases are sent: one small class for each kind of receiver."""
