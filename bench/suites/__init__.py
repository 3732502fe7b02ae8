"""How comparisons are put together: each suite returns records for one table or several."""
