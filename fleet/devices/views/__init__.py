"""Pages of those who keep the fleet's books: credentials, networks, and what a device is."""
