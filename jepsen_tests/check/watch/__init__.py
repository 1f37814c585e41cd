"""Watches: what etcd's documentation promises of them, one promise a file.

The promises are those of "etcd API guarantees" (ordered, unique, reliable, atomic, resumable,
bookmarkable), and those that follow from the API's description: the filter is kept, `prev_kv` and
the creation flag are true, a watch starts where it was asked to, and a cancelled one is over.
Each looks at one stream at a time and at the event log that is joined from all of them.
"""
