"""What the cluster knows of itself: members, ids and alarms, replicated like the keys."""
