"""How commands are declared: options, help, completion."""
