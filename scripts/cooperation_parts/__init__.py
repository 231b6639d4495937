"""A long synthetic session under pressure: what a model brings about that looks after its memory.

An agent works on tasks in a project, one after the other, in a window of 200,000 tokens. The same
plan is played untouched, through Pichay with a model that leaves its memory alone, and with one
that releases what it is done with, collapses finished tasks, and recalls by page name. The client
compacts its conversation when the provider's bill says that the window is nearly full, as coding
agents do; the provider is a prefix cache at its list prices.
"""
