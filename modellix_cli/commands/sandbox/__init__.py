"""`modellix-cli sandbox …`: the embedded Modellix."""
