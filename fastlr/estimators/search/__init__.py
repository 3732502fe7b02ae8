"""Short and shared fits that search for a learning rate."""
