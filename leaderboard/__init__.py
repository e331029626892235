"""How good the answers are: scores, their uncertainty, and the board."""
