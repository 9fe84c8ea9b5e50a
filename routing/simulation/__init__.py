"""The simulator: the routing engine on contacts that are drawn or read from a log. Pure, deterministic, without Django.

`center` says who serves what, `demand` draws who comes, `run` plays a day. See docs/simulator.md.
"""
