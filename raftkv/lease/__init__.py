"""Leases: keys that go when nobody asks for them to stay."""
