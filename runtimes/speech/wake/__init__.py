"""Wake words."""
