"""Records: listed, read, made, changed, removed, for one viewer."""
