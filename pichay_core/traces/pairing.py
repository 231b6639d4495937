"""Which result answers which call.

One idea: a call's id is its name in the conversation. Where a client left the id blank, or used
one again, the call gets a name of its own; results then answer the calls in order.
"""

from collections import defaultdict, deque


class CallIds:
    """The names of the calls of one conversation."""

    def __init__(self) -> None:
        self._uses: defaultdict[str, int] = defaultdict(int)
        self._waiting: defaultdict[str, deque[str]] = defaultdict(deque)
        self._newest: dict[str, str] = {}

    def called(self, call_id: str) -> str:
        """Return a name for a new call: its id if that is a name, and free."""
        self._uses[call_id] += 1
        uses = self._uses[call_id]
        name = call_id if call_id and uses == 1 else f"{call_id or 'call'}#{uses}"
        self._waiting[call_id].append(name)
        self._newest[call_id] = name
        return name

    def answered(self, call_id: str) -> str:
        """Return the name of the call that a result answers.

        It is the oldest with that id that waits for one. When none waits (a result recorded
        again after a resume) it is the newest; when there never was one, the id itself.
        """
        waiting = self._waiting.get(call_id)
        if waiting:
            return waiting.popleft()
        return self._newest.get(call_id, call_id or "nobody")

    def newest(self, call_id: str) -> str:
        """Return the name of the newest call with an id; the id itself without one."""
        return self._newest.get(call_id, call_id)
