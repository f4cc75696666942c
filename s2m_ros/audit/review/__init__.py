"""A store in a browser: look, filter, mark what is true and what is false, export labels."""
