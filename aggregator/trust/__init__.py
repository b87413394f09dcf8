"""Which bundles may run, signed: keys, roles and metadata of The Update Framework. Pure: opens no file."""
