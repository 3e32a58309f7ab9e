"""What somebody would have used instead: other engines and other models, in the same run."""
