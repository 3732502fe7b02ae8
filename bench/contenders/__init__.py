"""Who does it: this library and its peers, each with the settings its users would choose."""
