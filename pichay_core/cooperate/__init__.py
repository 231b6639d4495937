"""The model's side of memory: what it may ask for, and what it is told.

``commands`` are what it can ask for; ``tools`` are the phantom tools that it asks with, which the
client never sees; ``tags`` are the same in its own text; ``answers`` carries them out and says
what came of it; ``asides`` keep what passed between the model and us, so that the model's own
history stays as it wrote it; ``folds`` are old turns that a summary stands for; ``zones`` say when
the model is told how full its window is.

One idea: the client's conversation is the backing store. What the model sees beside it is a list
of anchored values, kept for as long as the client sends what they are anchored to.
"""
