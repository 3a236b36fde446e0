"""Runs the whole product on one machine, with a simulated school: `python -m config.demo`, `python -m config.demo.story`."""
