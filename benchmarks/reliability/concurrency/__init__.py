"""Many callers at once: threads, forks, pools, event loops, and files that change meanwhile."""
