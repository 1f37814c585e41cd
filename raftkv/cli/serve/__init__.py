"""`raftkv serve`: one member, told what to be in etcd's words.

`flags` and `refused` are tables; `sources` collects texts from the command line, the environment or
a file; `member_config` checks them and makes the configuration; `log_output` writes the log.
"""
