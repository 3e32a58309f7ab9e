"""The built wheel in clean environments: every Python, runtime, numpy and board it claims."""
