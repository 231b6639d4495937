"""Real clients, installed at a pinned version, played end to end with Pichay and without.

Every client works through the same script in the same scratch project, three times: straight to
a scripted upstream, and through the addon with options under which pages leave at once, and with
the usual ones. Compared are exit codes, work trees and what the model was asked. All of it
happens inside a network namespace that has nothing but a loopback: what a client sends, only our
own upstream can get.
"""
