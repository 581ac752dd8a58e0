"""One resource to one file: transfer, ranges, checks, names, destination."""
