"""Speed against the obvious alternative, as ratios taken side by side in one run."""
