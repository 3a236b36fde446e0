"""What a task cannot ask of a command line. Pure."""


class WishError(ValueError):
    """What the task asks for cannot be said on this command line, or must not be done."""
