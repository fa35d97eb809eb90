"""sites.py - a site: one hivepool and some hivelets, each on a machine of its own, who know each other by certificates only.

The machines are network namespaces on one switch (netns.py); each hivelet has an engine of its own. Programs, engines, network and
TLS are real.
"""
import ipaddress
import json
import os
import shutil
import sys
import tempfile

from cryptography import x509

import certs
import hv
import netns
import tasks

os.environ.setdefault("HV_BUILD_DIR", hv.BUILD)
sys.path.insert(0, os.path.join(hv.TOP, "test", "integration", "hivepool"))
import site_pool  # noqa: E402  (of the directory named above)

v1, admin = site_pool.v1, site_pool.admin


class Worker(tasks.Worker):
    """A hivelet on a machine of its own."""

    def __init__(self, engine, node, machine):
        super().__init__(engine, node)
        self.engine, self.machine = engine, machine

    def arguments(self, *more):
        return [*self.machine.enter, *super().arguments(*more)] if self.machine else super().arguments(*more)

    def join(self, address, certificates, **more):
        """Declares the pool at `address`; ca.pem and NODE.pem, NODE.key in `certificates`."""
        master = {"address": address, "heartbeat": "1s", "reconnect": {"initial": "100ms", "max": "1s"},
                  "tls": {"caFile": f"{certificates}/ca.pem", "certFile": f"{certificates}/{self.node}.pem",
                          "keyFile": f"{certificates}/{self.node}.key"}, **more}
        if self.machine:
            master.setdefault("advertise", self.machine.address)
        self.declare({}, body=f"  master: {json.dumps(master)}\n")

    def link(self):
        return self.call("GET", "/api/v1/status")["pool"] or {}

    def wait_online(self):
        self.wait(lambda: self.link().get("state") == "Online", f"{self.node} is registered")

    def debts(self):
        """(task, attempt, outcome) of each result that is or was owed."""
        return [(r["id"], r["number"], r["outcome"]) for r in self.ledger.rows(
            "SELECT task.id, assignment.attempt AS number, outcome FROM debt JOIN task ON task.seq = debt.task "
            "LEFT JOIN assignment ON assignment.task = task.seq ORDER BY debt.seq")]


class Pool(site_pool.Pool):
    def client(self):
        """Of the administrator; to be closed."""
        return site_pool.Stub(site_pool.grpc.insecure_channel(f"unix:{self.dir}/hivepool.sock", options=site_pool.UNLIMITED),
                              "hivepool.Admin")

    def n_over(self):
        """How many tasks have ended."""
        pool = self.client()
        try:
            found = pool("GetPool", admin.GetPoolRequest(), admin.GetPoolResponse).tasks
        finally:
            pool.channel.close()
        return sum(c.n for c in found if c.state in ("Completed", "Failed", "Cancelled"))

    def rows(self, sql, *args):
        """Of the store. It belongs to the pool alone while that runs."""
        return tasks.Ledger(os.path.join(self.dir, "hivepool.db")).rows(sql, *args)


class Site:
    def __init__(self, *nodes, pool_options=()):
        self.dir = tempfile.mkdtemp(prefix="hvs", dir="/tmp")
        self.made, self.recorders = [], []
        try:
            self.make(nodes, pool_options)
        except BaseException:
            self.end()
            raise

    def make(self, nodes, pool_options):
        self.certs = certs.Maker(self.dir)
        self.authority = self.certs.authority("ca")
        self.switch = netns.Switch()
        self.made.append(self.switch.end)
        here = self.switch.machine(1)
        self.certs.leaf("pool", self.authority, [x509.IPAddress(ipaddress.ip_address(here.address))], [certs.SERVER])
        self.pool = Pool("--tls-cert", self.certs.path("pool.pem"), "--tls-key", self.certs.path("pool.key"), "--client-ca",
                         self.certs.path("ca.pem"), *pool_options, address=here.address, enter=here.enter)
        self.made.append(self.pool.done)
        self.pool.machine = here
        self.workers = [self.worker(node, number) for number, node in enumerate(nodes, 2)]

    def worker(self, node, number):
        self.certs.leaf(node, self.authority, [x509.DNSName(node)], [certs.CLIENT])
        engine = hv.Engine()
        self.made.append(engine.stop)
        worker = Worker(engine, node, self.switch.machine(number))
        self.made.append(worker.done)
        worker.recorder = tasks.Recorder(engine)
        self.made.append(worker.recorder.close)
        worker.join(f"{self.pool.address}:{self.pool.port}", self.dir)
        return worker

    def seen(self):
        """How many containers have ended, on all engines."""
        return sum(1 for w in self.workers for action, _, _ in list(w.recorder.seen) if action == "die")

    def end(self):
        """Everything, whatever fails on the way; the first failure is told."""
        first = None
        while self.made:
            try:
                self.made.pop()()
            except Exception as e:  # the rest must go too
                first = first or e
        shutil.rmtree(self.dir, ignore_errors=True)
        if first:
            raise first
