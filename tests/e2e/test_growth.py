"""What mitmdump keeps in memory is bounded by what conversations hold, not by what passed."""

import pytest

from tests.e2e.conversations import Conversation

pytestmark = pytest.mark.e2e

SESSIONS = 5
ROUNDS = 20
MEGABYTE = 1_000_000


def test_large_requests_leave_no_more_than_their_conversations(mitmdump, upstream):
    conversations = [
        Conversation(f"large {number}").call(
            "Bash", f"line of {number}\n" * (MEGABYTE // 10), command="x"
        )
        for number in range(SESSIONS)
    ]
    sizes = []
    with mitmdump("growth") as proxy, proxy.client() as client:
        sizes.append(proxy.resident())
        for number in range(ROUNDS):
            for conversation in conversations:
                body = conversation.read(f"{number}.py", size=1000).body()
                assert client.post(upstream.messages, content=body).status_code == 200
            sizes.append(proxy.resident())
    passed = SESSIONS * ROUNDS * len(body) // MEGABYTE
    print(f"{passed} MB passed; resident MB: {' '.join(f'{size:.0f}' for size in sizes)}")
    assert max(sizes[ROUNDS // 2 :]) - max(sizes[: ROUNDS // 2]) < 30
    assert max(sizes) - sizes[0] < 150
