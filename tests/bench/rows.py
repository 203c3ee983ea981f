"""What is printed: one row a figure."""


def say(what: str, said: str) -> None:
    """Print a row."""
    print(f"{what:<12} {said}", flush=True)
