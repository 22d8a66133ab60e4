"""The search & recommendation log: schema, the embedded data set, importers, split, leak audit."""
