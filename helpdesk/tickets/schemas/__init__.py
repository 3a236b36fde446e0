"""What the API says about tickets, and what it takes."""
