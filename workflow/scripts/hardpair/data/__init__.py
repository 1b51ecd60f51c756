"""Images, from an address, a folder or a generator to arrays and a split."""
