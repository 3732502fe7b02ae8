"""Constructor parameters, checked and turned into training settings."""
