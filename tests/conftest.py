"""What every test may rely on."""

import os
import signal

from hypothesis import settings

# Laws that name no number of examples are tried on so many, the same ones every time, so that a
# run says something of the code and not of chance. PICHAY_EXAMPLES asks for more, and for others.
EXAMPLES = os.environ.get("PICHAY_EXAMPLES")
settings.register_profile(
    "usual", max_examples=int(EXAMPLES or "30"), deadline=None, derandomize=EXAMPLES is None
)
settings.load_profile("usual")

# A shell that starts a job in the background lets it ignore interrupts, nohup lets it ignore
# hang-ups, and so would every process that a test starts and means to signal.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
