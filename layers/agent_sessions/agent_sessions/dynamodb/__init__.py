"""The two tables: the only package that contains keys, attributes and expressions."""
