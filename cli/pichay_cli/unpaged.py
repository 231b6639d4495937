"""What was not paged, and why: nothing goes past Pichay without being told of."""

from collections.abc import Set

from pichay_cli.amounts import tokens
from pichay_cli.panels import COUNTS, OUTCOMES, PAGED, counted
from pichay_cli.render import RenderableType, Sheet, section
from pichay_core.store.activity import Activity, Tally


def unpaged_panel(activity: Activity) -> RenderableType | None:
    """What was not paged, and why; None if there is nothing to say."""
    odd = [(o, t) for o, t in activity.outcomes if o not in PAGED]
    frozen = frozenset(t.why for t in activity.frozen)
    rows = [
        *(counted("held back", t.count, _held(t)) for t in activity.held),
        *(counted(o, t.count, _because(o, t.why, frozen)) for o, t in odd),
        *(counted("passed", t.count, t.why) for t in activity.reasons("passed")),
        *(counted("failures", t.count, t.why) for t in activity.reasons("failed")),
        *(
            counted("frozen", t.count, f"only observed from then on: {t.why}")
            for t in activity.frozen
        ),
        *(
            counted("dropped", t.count, f"thinking kept from the model: {t.why}")
            for t in activity.reasons("dropped")
        ),
        *(
            counted("missed", t.count, f"cache not read, says the provider: {t.why}")
            for t in activity.reasons("missed")
        ),
        *(counted("warned", t.count, t.why) for t in activity.reasons("warned")),
        *(counted("TLS refused", t.count, _distrusted(t.why)) for t in activity.refusals),
    ]
    return section("Not paged", Sheet(COUNTS, rows)) if rows else None


def _held(tally: Tally) -> str:
    return f"requests, up to {tokens(tally.tokens)} tokens each: {tally.why}"


def _distrusted(host: str) -> str:
    # Here, as few recordings have a client that refuses, and all the clients come with it.
    from pichay_cli.environment import HOW_TO_TRUST

    return f"{host}: {HOW_TO_TRUST}"


def _because(outcome: str, why: str, frozen: Set[str]) -> str:
    """In sessions that are frozen nothing is decided; else it is, and not carried out."""
    what = OUTCOMES.get(outcome, outcome)
    unmade = "; its moves were not made" if outcome == "observed" and why not in frozen else ""
    return f"{what}{f': {why}' if why else ''}{unmade}"
