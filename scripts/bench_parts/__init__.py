"""Speed and memory, measured side by side.

Rule of this package: what is compared runs in one process or beside each other, in turns
(A B A B), on the same bodies, so that a busy machine slows both. One file per measurement:
``request_path``, ``through_proxy``, ``first_byte``, ``recorder_put``, ``memory``; each has
``measure(effort)``, which returns a table. All traffic is on loopback, everything written lies
in one temporary folder, and nothing is left afterwards.
"""
