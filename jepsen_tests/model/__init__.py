"""Models: what a store may answer, as pure functions of a state and an action.

A model is small enough to be believed without a proof. Checkers ask it whether an order of actions
explains what clients saw; the model knows nothing of time, clients or faults.
"""
