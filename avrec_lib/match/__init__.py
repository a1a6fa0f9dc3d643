"""From scores to the best few."""
