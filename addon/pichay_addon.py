"""The script that ``mitmdump -s`` loads. Everything else is in :mod:`pichay_proxy`."""

from pichay_proxy.addon import Pichay

addons = [Pichay()]
