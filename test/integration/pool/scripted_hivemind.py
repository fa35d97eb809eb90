"""scripted_hivemind.py - a pool like HiveMind's deployed one, made of python3-grpcio, which does what a script says (scripted.py).

What it is known to do, it does: a token that is not taken, and a text that is no UTF-8, end a call as INTERNAL "Exception
deserializing request!"; RUNNING is written 0.2 s after ExecuteTask was answered, over a result that is there by then; output is
appended with a newline, and the last 10,240 characters are kept; a node that is not registered gets success=false. Faults of its
own:

    expire     no token is taken any more                  log-in     the same, said as UNAUTHENTICATED
    no         success=false, nothing was done
"""
import io
import time
import zipfile

import grpc

from scripted import Server, free_port, messages  # noqa: F401  (free_port: for those who import this)

REJECTED = "Exception deserializing request!"

# Its package is that of v1.proto: one process knows the names of both only because none is in both.
pb = messages("hivemind", "deployed")

METHODS = {"UserService": {"Login": pb.LoginRequest, "RefreshToken": pb.RefreshTokenRequest, "GetBalance": pb.GetBalanceRequest},
           "NodeManagerService": {"RegisterWorkerNode": pb.RegisterWorkerNodeRequest, "ReportStatus": pb.ReportStatusRequest},
           "WorkerNodeService": {"TaskOutputUpload": pb.TaskOutputUploadRequest, "TaskUsage": pb.TaskUsageRequest,
                                 "TaskResultUpload": pb.TaskResultUploadRequest}}


def archive(**files):
    """The same bytes for the same files, whatever the clock says: by name alone zipfile notes the time, every two seconds another."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name, data in files.items():
            z.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class Pool(Server):
    def __init__(self, faults=(), gap=0.2, without=()):
        """without: methods that it does not have."""
        self.gap, self.without = gap, without
        self.calls_with = None  # credentials for calls of nodes; None: plain text
        self.rejected, self.n_tokens, self.balance = 0, 0, 42
        self.tokens, self.usage, self.bearer = set(), [], {}
        self.logs, self.results, self.arrived, self.states, self.lost = {}, {}, {}, {}, []
        self.accounts = {"alice": "hunter2"}
        self.make_token = lambda number: "token-%d" % number
        super().__init__(faults, options=[("grpc.http2.min_ping_interval_without_data_ms", 5000)])

    def handlers(self):
        return tuple(grpc.method_handlers_generic_handler("nodepool." + service, {
            name: grpc.unary_unary_rpc_method_handler(self.scripted(name, self.served(name, kind)))
            for name, kind in methods.items() if name not in self.without}) for service, methods in METHODS.items())

    def served(self, name, kind):
        def serve(data, context, what):
            if what in ("expire", "log-in"):
                self.tokens.clear()
            token = dict(context.invocation_metadata()).get("authorization", "")
            assert name != "Login" or not token, "a login with a token"
            if name != "Login" and token not in self.tokens:
                self.rejected += 1
                context.abort(*((grpc.StatusCode.UNAUTHENTICATED, "log in") if what == "log-in" else
                                (grpc.StatusCode.INTERNAL, REJECTED)))
            try:
                request = kind.FromString(data)
            except Exception:
                context.abort(grpc.StatusCode.INTERNAL, REJECTED)
            self.calls.append(name)
            self.last[name] = request
            self.bearer[name] = token
            if what == "no":
                return pb.Ack(success=False, message="scripted \x1b[31mno")
            return getattr(self, name)(request)
        return serve

    # --- the methods ---

    def new_token(self):
        self.n_tokens += 1
        token = self.last_token = self.make_token(self.n_tokens)
        if token:
            self.tokens.add("Bearer " + token)
        return token

    def Login(self, m):
        if self.accounts.get(m.username) != m.password:
            return pb.LoginResponse(success=False, message="wrong password")
        return pb.LoginResponse(success=True, token=self.new_token())

    def RefreshToken(self, m):
        if "Bearer " + m.old_token not in self.tokens:
            return pb.RefreshTokenResponse(success=False, message="TOKEN_EXPIRED")
        return pb.RefreshTokenResponse(success=True, new_token=self.new_token())

    def GetBalance(self, m):
        if "Bearer " + m.token not in self.tokens:
            return pb.GetBalanceResponse(success=False, message="INVALID_TOKEN")
        return pb.GetBalanceResponse(success=True, balance=self.balance if m.username == "alice" else 0)

    def RegisterWorkerNode(self, m):
        self.nodes[m.node_id] = m
        return pb.Ack(success=True)

    def ReportStatus(self, m):
        if m.node_id not in self.nodes:
            return pb.Ack(success=False, message="節點 %s 未註冊" % m.node_id)
        return pb.Ack(success=True)

    def TaskUsage(self, m):
        self.usage.append(m)
        return pb.Ack(success=m.task_id == "0" or m.task_id in self.states)

    def TaskOutputUpload(self, m):
        self.logs[m.task_id] = (self.logs.get(m.task_id, "") + m.output + "\n")[-10240:]
        return pb.Ack(success=True)

    def TaskResultUpload(self, m):
        if self.states.get(m.task_id) == "OFFERED":
            self.lost.append(m.task_id)  # RUNNING is written over it in a moment
            return pb.Ack(success=True)
        self.results.setdefault(m.task_id, []).append(m.result_zip)
        self.arrived[m.task_id] = time.monotonic()
        self.states[m.task_id] = "COMPLETED"
        return pb.Ack(success=True)

    # --- for tests ---

    def stub(self, port, name, kind):
        address, options = "127.0.0.1:%d" % port, [("grpc.max_send_message_length", 1 << 30)]
        channel = (grpc.secure_channel(address, self.calls_with, options) if self.calls_with
                   else grpc.insecure_channel(address, options))
        return channel, channel.unary_unary("/nodepool.WorkerNodeService/" + name, kind.SerializeToString, pb.Ack.FromString)

    def execute(self, port, task_id, data, **more):
        channel, call = self.stub(port, "ExecuteTask", pb.ExecuteTaskRequest)
        before = self.states.get(task_id)
        self.states[task_id] = "OFFERED"
        try:
            got = call(pb.ExecuteTaskRequest(task_id=task_id, task_zip=data, **more), timeout=40)
        finally:
            channel.close()
            with self.changed:
                self.states[task_id] = before or "PENDING"
        if got.success:
            with self.changed:
                self.states[task_id] = "OFFERED"
            time.sleep(self.gap)  # what the deployed pool takes until it writes RUNNING
            with self.changed:
                self.states[task_id] = "RUNNING"
        return got

    def stop_task(self, port, task_id):
        channel, call = self.stub(port, "StopTaskExecution", pb.StopTaskExecutionRequest)
        with channel:
            return call(pb.StopTaskExecutionRequest(task_id=task_id), timeout=40)
