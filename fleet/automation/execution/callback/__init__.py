"""Plugins that the playbooks of runs are watched with."""
