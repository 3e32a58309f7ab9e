"""What the project's claims about time are measured with."""
