"""Results as text and JSON: pure functions from values to rows, and from rows to text."""
