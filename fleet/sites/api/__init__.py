"""/sites, /buildings and /rooms: where things are, and the school's calendar."""
