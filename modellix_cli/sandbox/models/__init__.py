"""The models of the sandbox that are like those of Modellix, as data."""
