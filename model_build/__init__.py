"""The factory: data sets in, a proven bundle out."""
