"""How often `fastlr.diagnose` is right, on runs whose fault is known."""
