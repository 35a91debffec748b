"""The two tables: the only package that knows keys, attributes and expressions."""
