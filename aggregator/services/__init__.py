"""What the product does, one file each."""
