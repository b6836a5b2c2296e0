"""Whom the servers of files let in."""

USER = "anna"
PASSWORD = "s3cr:t@/#?"
"""All that a password in a URL must not hold as it is."""
LOGIN = "anna:s3cr%3At%40%2F%23%3F"
