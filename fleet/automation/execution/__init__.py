"""One run of ansible-runner in a child process of its own: `python -m fleet.automation.execution`. Knows no Django.

The worker writes an order and commands to the child's standard input, and reads events from its standard output, one JSON
object a line. When standard input ends, because the worker closed it or was killed, the child kills its whole tree.
"""
