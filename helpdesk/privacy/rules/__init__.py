"""What is decided purely: when something is due, what stands for a name, and why somebody may not be erased."""
