"""What was seen and why: running a recorded drive, and making its results visible."""
