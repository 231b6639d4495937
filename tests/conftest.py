"""What every test may rely on."""

import signal

# A shell that starts a job in the background lets it ignore interrupts, and so would every
# process that a test starts and means to interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
