"""One-line faults that a tired programmer could make in the money code, each with the tests that must notice it."""
