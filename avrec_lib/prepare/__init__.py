"""From what was collected to what may be learned from: interactions and splits."""
