"""What writes: keeping (retention), exporting, erasing. Each works in small pieces and goes on where another stopped."""
