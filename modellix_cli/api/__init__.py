"""The Modellix REST API and nothing else: no printing, no files, no Typer."""
