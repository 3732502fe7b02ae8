"""Steps and predictions of one row at a time, without Python in between."""
