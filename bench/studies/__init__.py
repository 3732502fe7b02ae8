"""Studies of what fastlr decides by itself: rates, sweeps, diagnoses. Each is run by its name."""
