"""What the clients of a measurement send, a workload a file.

A workload makes clients; a client makes one request at a time and looks at every answer. What a
workload needs in the store it puts there before the measurement, and what clients were told is
checked against the store afterwards: a fast wrong answer is not an answer.
"""
