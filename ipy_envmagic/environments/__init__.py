"""What is true of an interpreter's prefix, read from files alone."""
