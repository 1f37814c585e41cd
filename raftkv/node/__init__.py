"""The loop: drain events, step, persist and send, apply, answer. Synchronous; knows only ports."""
