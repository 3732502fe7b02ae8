"""The language in which rules are written: check, read, specialise, spell."""
