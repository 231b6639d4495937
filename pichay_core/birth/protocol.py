"""What the model is told of paging: one text, the same bytes in every session for ever.

It shows no note and no handle: models repeat the forms that they are shown, and a forbidden form
is one that is shown. It says what a note means, and what to do.
"""

PROTOCOL = (
    "To keep this conversation small, the text of some older tool results may be moved out of "
    "view. In its place stands one line that names the tool call and its size. That call worked; "
    "only its text is not shown any more. Do not guess what it said: if you need it, make the "
    "same call again. These lines are put there automatically, so there is no need to write or "
    "to mention them."
)
