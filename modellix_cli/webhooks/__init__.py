"""Receiving webhooks: requests in, deliveries out, and the command that each one starts."""
