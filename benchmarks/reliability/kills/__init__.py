"""The desk's commands, killed while they write, on disks that are full, and on read-only ones."""
