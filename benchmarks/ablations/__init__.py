"""Short trainings that differ in one thing each: what an option of a recipe gains."""
