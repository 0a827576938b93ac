"""What is asked for, read from where people write it down."""
