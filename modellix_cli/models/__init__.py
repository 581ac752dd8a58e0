"""What is known of models: prices, parameter schemas, names."""
