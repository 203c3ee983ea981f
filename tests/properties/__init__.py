"""What holds for any facts, tried on generated ones."""
