"""Damaged models without a manifest: no crash may reach the process that loads them."""
