"""Keys, values and revisions; no disk of its own."""
