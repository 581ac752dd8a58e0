"""The engine under a seeded simulator: virtual time, a hostile server, crashes, one ledger."""
