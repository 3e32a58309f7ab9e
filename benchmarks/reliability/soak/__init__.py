"""Long life: a million inferences, and what a process holds of memory, files and threads then."""
