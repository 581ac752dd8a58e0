"""The engine's rules as a deterministic machine: events in, effects out, no I/O."""
