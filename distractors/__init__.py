"""Where wrong options come from: recognisers' scores, and chance."""
