"""How figures are shown: tables in Markdown, a page with pictures, two runs compared."""
