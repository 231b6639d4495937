"""What every test may rely on."""

import signal

# A shell that starts a job in the background lets it ignore interrupts, nohup lets it ignore
# hang-ups, and so would every process that a test starts and means to signal.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGTERM, signal.SIG_DFL),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)
