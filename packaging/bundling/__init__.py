"""How the bundle and its installers are made; `packaging/build.py` is the entry."""
