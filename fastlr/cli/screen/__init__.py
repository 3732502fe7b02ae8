"""Text, tables and pictures that every command prints or writes."""
