"""What automation decides, as pure functions: arguments, policy, verification, leases."""
