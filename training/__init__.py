"""What trained the weights that the library carries."""
