"""The SSH side of the lab: OpenWrt-like access points and a switch's command line, served in this process.

``keys.ensure`` makes the keys, ``server.serve`` listens; ``uci`` reads and writes the configuration files. Nothing is
imported here, so that the world can use ``uci`` without the server.
"""
