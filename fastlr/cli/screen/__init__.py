"""Text, tables and pictures on the terminal."""
