"""Learning and predicting one row at a time, and snapshots that other threads predict with."""
