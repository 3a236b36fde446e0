"""What the portal writes."""
