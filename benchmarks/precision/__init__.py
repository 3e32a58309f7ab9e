"""What each precision costs, where it runs, and where it would answer wrongly."""
