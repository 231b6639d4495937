"""Random conversations: requests that append, edit, rewind, pause and overlap."""

from dataclasses import dataclass

from hypothesis import strategies as st

from pichay_core.prefix import (
    AnthropicCache,
    AnthropicRules,
    AutomaticCache,
    AutomaticRules,
    BreakpointCache,
    BreakpointRules,
    Chain,
    Habits,
    Mark,
    Part,
    PrefixCache,
    Request,
    Ttl,
    Unit,
)

PARTS = st.sampled_from([Part.USER, Part.ASSISTANT, Part.CALL, Part.RESULT, Part.SYSTEM])


def named(number: int, tokens: int, part: Part, ends: bool) -> Unit:
    """A unit whose identity tells its part as well, as a real one does."""
    return Unit(10 * number + list(Part).index(part), tokens, part, ends)


UNITS = st.builds(named, st.integers(0, 3), st.integers(50, 400), PARTS, st.booleans())
PAUSES = st.sampled_from([0.0, 1.0, 1.0, 1.0, 60.0, 60.0, 299.0, 300.0, 3599.0])
MARKS = st.one_of(
    st.just((0,)),
    st.lists(st.integers(1, 40), max_size=3).map(lambda some: (0, *some)),
    st.lists(st.integers(0, 9), max_size=4).map(tuple),
)
HABITS = st.builds(Habits, st.booleans(), st.booleans(), st.booleans())


@dataclass(frozen=True)
class Move:
    """What happens to the conversation before its next request."""

    keep: int
    """Units that stay, counted from the end: 0 keeps all."""
    new: tuple[Unit, ...]
    pause: float
    seconds: float
    marks: tuple[int, ...]
    hours: int
    """How many of the marks ask for an hour."""
    managed: bool
    scope: str


MOVES = st.builds(
    Move,
    st.sampled_from([0, 0, 0, 0, 0, 0, 1, 3, 30]),
    st.lists(UNITS, min_size=1, max_size=6).map(tuple),
    PAUSES,
    st.sampled_from([0.0, 0.0, 2.0, 400.0]),
    MARKS,
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from(["one", "one", "one", "other"]),
)
CONVERSATIONS = st.lists(MOVES, min_size=3, max_size=10)

CACHES: st.SearchStrategy[PrefixCache] = st.one_of(
    st.builds(
        AnthropicCache,
        st.builds(
            AnthropicRules,
            minimum=st.sampled_from([0, 100]),
            look_back=st.sampled_from([3, 20]),
            collapse_runs=st.booleans(),
            finds_inside_runs=st.booleans(),
            habits=HABITS,
        ),
    ),
    st.builds(
        BreakpointCache,
        st.builds(
            BreakpointRules,
            minimum=st.sampled_from([0, 100]),
            writes=st.sampled_from([1, 4]),
            earlier_endings=st.sampled_from([0, 2, 20]),
            finds_system_end=st.booleans(),
            writes_system_end=st.booleans(),
            habits=HABITS,
        ),
    ),
    st.builds(
        AutomaticCache,
        st.builds(
            AutomaticRules,
            minimum=st.sampled_from([0, 100]),
            idle_seconds=st.just(300.0),
            interval=st.sampled_from([1, 64]),
            grid=st.sampled_from([1, 128]),
            hidden=st.sampled_from([0, 50]),
        ),
    ),
)


def requests(moves: list[Move]) -> list[Request]:
    """The requests that a conversation makes, each with its chain built on the one before."""
    made: list[Request] = []
    chain, clock = Chain(), 0.0
    for move in moves:
        clock += move.pause
        chain = chain.upto(max(0, len(chain) - move.keep)).then(move.new)
        made.append(
            Request(
                chain,
                clock,
                move.scope,
                placed(move, len(chain)),
                clock + move.seconds,
                managed=move.managed,
            )
        )
    return made


def placed(move: Move, length: int) -> tuple[Mark, ...]:
    """The marks of a move where they fit: the last unit and some counted back from it."""
    indexes = sorted({length - 1 - back for back in move.marks if back < length})
    return tuple(
        Mark(index, Ttl.HOUR if number < move.hours else Ttl.MINUTES)
        for number, index in enumerate(indexes)
    )
