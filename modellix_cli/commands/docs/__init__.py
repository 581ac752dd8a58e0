"""`modellix-cli docs …`: the documentation of Modellix, to read."""
