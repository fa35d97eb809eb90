"""ports.py - ports of the loopback for programs that are yet to be started.

One that the kernel names as free is anybody's until somebody listens there: it is given to the next who connects, or asks. These lie
below those that it gives by itself, and are held against other tests, of whatever process, by an abstract socket that bears the port's
number and lives as long as this process.
"""
import random
import socket

LOWEST = 10000


def free(host="127.0.0.1"):
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        above = int(f.read().split()[0])
    for port in random.SystemRandom().sample(range(LOWEST, above), above - LOWEST):
        with socket.socket(socket.AF_UNIX) as mark, socket.socket() as s:
            try:
                mark.bind(f"\0hivelet-test-port-{port}")
                s.bind((host, port))
            except OSError:
                continue
            mark.detach()
            return port
    raise RuntimeError("no port is free")
