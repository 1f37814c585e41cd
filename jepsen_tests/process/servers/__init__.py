"""The kinds of servers a cluster can be made of, a file each; they take the same flags."""
