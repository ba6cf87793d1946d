"""Finding models: the catalogue, the search of the hub, downloads."""
