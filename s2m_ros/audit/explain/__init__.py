"""Why one object was judged as it was, and what would have changed that."""
