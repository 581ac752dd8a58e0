"""What one run works with: settings, stores, connections."""
