"""scripted_pool.py - a pool of dialect v1 made of python3-grpcio, which does what a script says (scripted.py). Faults of its own:

    rewind     what came of the result so far is lost      short      of the piece the first half is taken
    no         success=false, nothing was done
"""
import hashlib

import grpc

from scripted import Server, messages, pack, pattern

pb = messages("v1", "v1")


class Pool(Server):
    def __init__(self, additions=True, **more):
        self.additions = additions
        self.tasks, self.revision, self.incomplete, self.listing = {}, 1, False, None
        self.partial, self.results, self.commits, self.logs = {}, {}, [], {}
        self.inputs, self.piece, self.tries, self.offsets = {}, 256 * 1024, {}, []
        self.lease, self.epoch = 90, 0
        self.status, self.known, self.sent, self.watchers = None, None, 0, 0
        super().__init__(**more)

    def handlers(self):
        unary = {"RegisterNode": (pb.RegisterNodeRequest, "register"),
                 "UpdateNodeStatus": (pb.UpdateNodeStatusRequest, "beat"),
                 "GetAssignedTasks": (pb.GetAssignedTasksRequest, "fetch"),
                 "ReportTaskResult": (pb.ReportTaskResultRequest, "report")}
        if self.additions:
            unary["AppendTaskLog"] = (pb.AppendTaskLogRequest, "append")
        handlers = {name: grpc.unary_unary_rpc_method_handler(self.scripted(name, self.served(fn)), kind.FromString)
                    for name, (kind, fn) in unary.items()}
        if self.additions:
            handlers["WatchAssignments"] = grpc.unary_stream_rpc_method_handler(
                self.watch, pb.GetAssignedTasksRequest.FromString, pack)
            handlers["FetchTaskInput"] = grpc.unary_stream_rpc_method_handler(
                self.give, pb.FetchTaskInputRequest.FromString, pack)
        return (grpc.method_handlers_generic_handler("nodepool.NodeManager", handlers),)

    def came(self, name, request):
        self.calls.append(name)
        self.last[name] = request

    def served(self, fn):
        def serve(request, context, what):
            if what == "rewind":
                self.partial.clear()
            if what == "no":
                return pb.ReportTaskResultResponse(success=False, message="scripted \x1b[31mno")
            return getattr(self, fn)(request, context, what)
        return serve

    # --- the methods ---

    def register(self, request, context, what):
        self.nodes[request.node_id] = request
        self.epoch += 1
        if not self.additions:
            return pb.RegisterNodeResponse(success=True)
        return pb.RegisterNodeResponse(success=True, lease_s=self.lease, node_epoch=self.epoch)

    def beat(self, request, context, what):
        self.status = request
        self.changed.notify_all()
        return pb.UpdateNodeStatusResponse(success=request.node_id in self.nodes, message="who are you?")

    def list_of(self, known):
        if self.listing is not None:
            return self.listing
        if self.additions and known and known == self.revision:
            return pb.GetAssignedTasksResponse(unchanged=True, revision=self.revision)
        return pb.GetAssignedTasksResponse(tasks=list(self.tasks.values()), incomplete=self.incomplete,
                                           revision=self.revision if self.additions else 0)

    def fetch(self, request, context, what):
        self.known = request.known_revision
        return self.list_of(request.known_revision)

    def watch(self, request, context):
        stopping, told = self.stopping, request.known_revision
        with self.lock:
            self.calls.append("WatchAssignments")
            self.watchers += 1
            self.changed.notify_all()
        try:
            while context.is_active() and not stopping.is_set():
                with self.lock:
                    while told == self.revision and not stopping.is_set() and context.is_active():
                        self.changed.wait(0.1)
                    if stopping.is_set() or not context.is_active():
                        return
                    told, answer = self.revision, self.list_of(0)
                yield answer
        finally:
            with self.lock:
                self.watchers -= 1
                self.changed.notify_all()

    def report(self, request, context, what):
        key, data = request.idempotency_key, request.result
        if not self.additions:
            self.record(request, data)
            return pb.ReportTaskResultResponse(success=True)
        if key in self.results:
            return pb.ReportTaskResultResponse(success=True, committed=True, next_offset=request.chunk.total)
        if request.HasField("chunk"):
            got = self.partial.setdefault(key, Partial())
            if request.chunk.offset != got.size:
                return pb.ReportTaskResultResponse(success=True, next_offset=got.size)
            got.add(data[:len(data) // 2] if what == "short" else data)
            if got.size < request.chunk.total:
                return pb.ReportTaskResultResponse(success=True, next_offset=got.size)
            assert got.size == request.chunk.total and got.hash.hexdigest() == request.chunk.sha256, "damaged"
            self.record(request, None, got)
            return pb.ReportTaskResultResponse(success=True, committed=True, next_offset=got.size)
        self.record(request, data)
        return pb.ReportTaskResultResponse(success=True, committed=True)

    def record(self, request, data, partial=None):
        got = partial or Partial()
        if data is not None:
            got.add(data)
        self.results[request.idempotency_key] = request
        self.commits.append((request.task_id, got.size, got.hash.hexdigest()))
        if request.task_id in self.tasks:
            del self.tasks[request.task_id]
            self.revision += 1
        self.changed.notify_all()

    def append(self, request, context, what):
        log = self.logs.setdefault((request.task_id, request.attempt), bytearray())
        if request.number > self.tries.get((request.task_id, request.attempt), 0):
            self.tries[request.task_id, request.attempt] = request.number
            log.clear()
        self.sent += len(request.data)
        if request.offset <= len(log):
            log += request.data[len(log) - request.offset:]
        return pb.AppendTaskLogResponse(next_offset=len(log))

    def give(self, request, context):
        what = self.what_of("FetchTaskInput", request)
        with self.lock:
            self.offsets.append(request.offset)
        size = self.inputs.get(request.name)
        if size is None:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such input")
        for at in range(request.offset, size, self.piece):
            if what and at >= request.offset + 2 * self.piece:
                if what == "cut":
                    self.cut(context)
                context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
            yield pb.FetchTaskInputResponse(data=pattern(min(self.piece, size - at), at))

    # --- for tests ---

    def assign(self, *tasks):
        with self.lock:
            for task in tasks:
                self.tasks[task.id] = task
            self.revision += 1
            self.changed.notify_all()

    def take_back(self, *ids):
        with self.lock:
            for one in ids:
                del self.tasks[one]
            self.revision += 1
            self.changed.notify_all()


class Partial:
    def __init__(self):
        self.size, self.hash = 0, hashlib.sha256()

    def add(self, data):
        self.size += len(data)
        self.hash.update(data)
