#!/usr/bin/env python3
"""hivepool and nodes and users of dialect hivemind, made of python3-grpcio."""
import concurrent.futures
import os
import queue
import subprocess
import threading
import unittest

import grpc

import site_pool as site
from site_pool import hivemind as hm

PASSWORD = "correct horse"


def hashed(password, *options):
    return subprocess.run(["openssl", "passwd", "-6", *options, "-stdin"], input=password, capture_output=True, text=True,
                          check=True).stdout.strip()


def costly(password):
    """Of as many rounds as take this machine a tenth of a second."""
    rounds = 10000
    while True:
        rounds, began = rounds * 2, os.times().children_user
        made = hashed(password, "-salt", f"rounds={rounds}$saltsalt")
        if os.times().children_user - began > 0.1:
            return made


HASH = hashed(PASSWORD)


class Worker:
    """A node: what it is asked comes in `calls`, what it answers is `answer`."""

    def __init__(self, pool, name, host="127.0.0.2"):
        self.pool, self.name, self.host = pool, name, host
        self.calls, self.stops = queue.Queue(), queue.Queue()
        self.answer = lambda request: hm.Ack(success=True)
        self.deaf = 0  # to how many stops
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(4), options=site.UNLIMITED)
        handlers = {"ExecuteTask": grpc.unary_unary_rpc_method_handler(
            self.execute, hm.ExecuteTaskRequest.FromString, hm.Ack.SerializeToString),
                    "StopTaskExecution": grpc.unary_unary_rpc_method_handler(
            self.stop, hm.StopTaskExecutionRequest.FromString, hm.Ack.SerializeToString)}
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("nodepool.WorkerNodeService", handlers),))
        self.port = self.server.add_insecure_port(f"{host}:0")
        self.server.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{pool.hivemind_port}", options=site.UNLIMITED)
        self.stubs = {}
        self.token = ""

    def close(self):
        self.channel.close()
        self.server.stop(None).wait()

    def execute(self, request, _context):
        answer = self.answer(request)
        self.calls.put(request)
        return answer

    def stop(self, request, context):
        if self.deaf > 0:
            self.deaf -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "scripted")
        self.stops.put(request.task_id)
        return hm.Ack(success=True)

    def call(self, service, method, request, answer=hm.Ack, token=None):
        token = self.token if token is None else token
        stub = self.stubs.setdefault(service, site.Stub(self.channel, f"nodepool.{service}"))
        return stub(method, request, answer, metadata=[("authorization", f"Bearer {token}")] if token else None)

    def login(self, password=PASSWORD):
        r = self.call("UserService", "Login", hm.LoginRequest(username=self.name, password=password), hm.LoginResponse, "")
        self.token = r.token
        return r

    def register(self, **more):
        return self.call("NodeManagerService", "RegisterWorkerNode", hm.RegisterWorkerNodeRequest(
            node_id=self.name, hostname=self.host, port=self.port, cpu_cores=4, memory_gb=8, cpu_score=400,
            docker_status="available", **more))

    def status(self, status="Idle", running=0):
        return self.call("NodeManagerService", "ReportStatus", hm.ReportStatusRequest(node_id=self.name, status=status,
                                                                                      running_tasks=running))

    def join(self):
        assert self.login().success
        assert self.register().success
        assert self.status().success

    def result(self, task, data):
        return self.call("WorkerNodeService", "TaskResultUpload", hm.TaskResultUploadRequest(task_id=task, result_zip=data))

    # as a user
    def upload(self, task, data, **more):
        return self.call("MasterNodeService", "UploadTask", hm.UploadTaskRequest(
            task_id=task, task_zip=data, memory_gb=1, cpu_score=100, token=self.token, **more))

    def tasks(self):
        return {t.task_id: t.status for t in self.call("MasterNodeService", "GetAllUserTasks", hm.GetAllUserTasksRequest(
            token=self.token), hm.GetAllUserTasksResponse).tasks}

    def get(self, task):
        return self.call("MasterNodeService", "GetTaskResult", hm.GetTaskResultRequest(task_id=task, token=self.token),
                         hm.GetTaskResultResponse)


class Case(unittest.TestCase):
    MORE = []
    reach = ["--node-network", "127.0.0.0/8"]  # where the nodes of these tests are
    hash = HASH

    def setUp(self):
        self.accounts = f"/tmp/hv-hivepool-accounts-{os.getpid()}"
        with open(os.open(self.accounts, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as f:
            f.write("# who may log in\n" + "".join(f"{n}:{self.hash}\n" for n in ("w1", "w2", "ann")))
        self.addCleanup(os.unlink, self.accounts)
        self.pool = site.Pool("--insecure", "--hivemind-listen", f"127.0.0.1:{site.ports.free()}", "--accounts", self.accounts,
                              "--hivemind-round", "100ms", *self.reach, *self.MORE)
        self.addCleanup(self.pool.done)

    def worker(self, name="w1", **more):
        w = Worker(self.pool, name, **more)
        self.addCleanup(w.close)
        return w

    def user(self):
        u = self.worker("ann")
        u.login()
        return u

    def wait_over(self, task):
        self.pool.admin()("WaitTask", site.admin.GetTaskRequest(id=task), site.admin.GetTaskResponse)

    def expect(self, code, call):
        with self.assertRaises(grpc.RpcError) as e:
            call()
        self.assertEqual(e.exception.code(), code)
        return e.exception.details()


class Tokens(Case):
    def test_who_may_log_in(self):
        w = self.worker()
        self.assertFalse(w.login("wrong").success)
        self.assertTrue(w.login().success)
        stranger = self.worker("stranger")
        self.assertFalse(stranger.login().success)
        for token in ("", "nonsense"):
            w2 = self.worker()
            w2.token = token
            self.expect(grpc.StatusCode.UNAUTHENTICATED, w2.status)
        balance = w.call("UserService", "GetBalance", hm.GetBalanceRequest(username="w1", token=w.token),
                         hm.GetBalanceResponse)
        self.assertTrue(balance.success)
        bad = w.call("UserService", "GetBalance", hm.GetBalanceRequest(username="w1", token="x"), hm.GetBalanceResponse)
        self.assertEqual((bad.success, bad.message), (False, "INVALID_TOKEN"))
        new = w.call("UserService", "RefreshToken", hm.RefreshTokenRequest(old_token=w.token), hm.RefreshTokenResponse)
        self.assertTrue(new.success and new.new_token not in ("", w.token))
        self.pool.kill()
        self.pool.start()

    def test_an_account_speaks_for_itself_only(self):
        w = self.worker()
        w.login()
        w.name = "w2"
        self.assertFalse(w.register().success)
        w.name = "w1"
        self.assertIn("未註冊", w.status().message)
        self.assertTrue(w.register().success)
        self.assertTrue(w.status().success)


class Flood(Case):
    """Of logins whose hashes take a tenth of a second each."""

    def setUp(self):
        self.hash = costly(PASSWORD)
        super().setUp()

    def logins(self, w, n, password=PASSWORD):
        call = w.channel.unary_unary("/nodepool.UserService/Login", hm.LoginRequest.SerializeToString, hm.LoginResponse.FromString)
        return [call.future(hm.LoginRequest(username=w.name, password=password), timeout=site.LIMIT_S) for _ in range(n)]

    def test_it_does_not_hold_up_the_beats(self):
        w = self.worker()
        w.join()
        waiting = self.logins(w, 50)
        for _ in range(3):  # behind them on the same connection
            self.assertTrue(w.status().success)
        self.assertFalse(all(f.done() for f in waiting))
        self.assertTrue(all(f.result().success for f in waiting))

    def test_too_many_are_sent_away(self):
        w = self.worker()
        codes = [f.code() for f in self.logins(w, 300, "wrong")]
        self.assertEqual(set(codes), {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED})
        self.assertGreaterEqual(codes.count(grpc.StatusCode.OK), 64)
        self.assertTrue(w.login().success)

    def test_nobody_waits_for_the_answer_any_more(self):
        w = self.worker()
        for f in self.logins(w, 20):
            f.cancel()
        self.assertTrue(w.login().success)

    def test_the_pool_ends_while_they_wait(self):
        w = self.worker()
        waiting = self.logins(w, 50)
        waiting[0].result()
        self.assertEqual(self.pool.stop(), 0)
        self.pool.start()


class Accounts(Case):
    def balance(self, w):
        r = w.call("UserService", "GetBalance", hm.GetBalanceRequest(username=w.name, token=w.token), hm.GetBalanceResponse)
        self.assertTrue(r.success)
        return r.balance

    def give(self, w, to, amount, token=None):
        return w.call("UserService", "Transfer", hm.TransferRequest(token=w.token if token is None else token, receiver_username=to,
                                                                    amount=amount))

    def pair(self):
        both = self.worker(), self.worker("w2")
        for w in both:
            w.login()
        return both

    def test_what_is_given_is_there(self):
        w1, w2 = self.pair()
        self.assertTrue(self.give(w1, "w2", 250).success)
        self.assertEqual((self.balance(w1), self.balance(w2)), (750, 1250))
        for to, amount, words in (("w2", 751, "has 750, less than 751"), ("w2", 0, "at least 1"), ("w2", -5, "at least 1"),
                                  ("w1", 5, "nothing to itself"), ("nobody", 5, "no such account"), ("", 5, "no such account")):
            with self.subTest(to=to, amount=amount):
                r = self.give(w1, to, amount)
                self.assertEqual((r.success, words in r.message), (False, True), r.message)
        r = self.give(w1, "w2", 5, token="nonsense")
        self.assertEqual((r.success, r.message), (False, "INVALID_TOKEN"))
        self.assertEqual((self.balance(w1), self.balance(w2)), (750, 1250))
        self.pool.options[2] = f"127.0.0.1:{self.pool.hivemind_port}"
        self.pool.kill()
        self.pool.start()
        for w in (w1, w2):
            grpc.channel_ready_future(w.channel).result(site.LIMIT_S)
            self.assertTrue(w.login().success)
        self.assertEqual((self.balance(w1), self.balance(w2)), (750, 1250))

    def test_many_at_once_give_no_more_than_there_is(self):
        w1, w2 = self.pair()
        call = w1.channel.unary_unary("/nodepool.UserService/Transfer", hm.TransferRequest.SerializeToString, hm.Ack.FromString)
        wish = hm.TransferRequest(token=w1.token, receiver_username="w2", amount=70)
        given = [call.future(wish, timeout=site.LIMIT_S, metadata=[("authorization", "Bearer " + w1.token)]) for _ in range(50)]
        self.assertEqual(sum(f.result().success for f in given), 14)
        self.assertEqual((self.balance(w1), self.balance(w2)), (20, 1980))


class Reach(Case):
    """A node says itself where it is to be called."""
    reach = []

    def test_only_private_addresses(self):
        w = self.worker()
        w.login()
        for host, words in (("127.0.0.1", "no network"), ("127.0.0.2", "no network"), ("169.254.169.254", "no network"),
                            ("8.8.8.8", "no network"), ("::1", "no network"), ("fe80::1", "no network"), ("", "expected an address"),
                            ("localhost", "expected an address")):
            with self.subTest(host):
                w.host = host
                r = w.register()
                self.assertEqual((r.success, words in r.message), (False, True), r.message)
                self.assertIn("未註冊", w.status().message)
        w.host = "10.255.255.1"
        self.assertTrue(w.register().success)

    def test_who_was_registered_under_other_rules_is_not_called(self):
        self.pool.options[2] = f"127.0.0.1:{self.pool.hivemind_port}"
        self.pool.options += ["--node-network", "127.0.0.0/8"]
        self.pool.kill()
        self.pool.start()
        w = self.worker()
        w.answer = lambda request: hm.Ack(success=False, message="not now")
        w.join()
        user = self.user()
        self.assertTrue(user.upload("t1", b"PK").success)
        w.calls.get(timeout=site.LIMIT_S)
        self.pool.options[-1] = "10.0.0.0/8"
        self.pool.kill()
        self.pool.start()
        grpc.channel_ready_future(w.channel).result(site.LIMIT_S)
        while not w.calls.empty():
            w.calls.get()
        w.login()
        w.status()  # as far as that goes: it beats, under the registration from before
        self.pool.wait_log("node w1 is not called: hostname: 127.0.0.2 is in no network")
        self.assertTrue(w.calls.empty())


class Tasks(Case):
    def test_a_task_runs_and_comes_back(self):
        user, w = self.user(), self.worker()
        w.join()
        self.assertTrue(user.upload("t1", b"PK the zip").success)
        self.assertTrue(user.upload("t1", b"PK the zip").success)
        self.assertFalse(user.upload("t1", b"PK another").success)
        self.assertFalse(user.upload("t2", b"").success)
        call = w.calls.get(timeout=site.LIMIT_S)
        self.assertEqual((call.task_id, call.task_zip, call.cpu_usage, call.memory_gb), ("t1", b"PK the zip", 100.0, 1))
        for line in ("one", "two"):
            self.assertTrue(w.call("WorkerNodeService", "TaskOutputUpload",
                                   hm.TaskOutputUploadRequest(task_id="t1", output=line)).success)
        self.assertTrue(w.call("WorkerNodeService", "TaskUsage", hm.TaskUsageRequest(task_id="t1", cpu_usage=250)).success)
        self.assertTrue(w.call("WorkerNodeService", "TaskUsage", hm.TaskUsageRequest(task_id="0", token="w1")).success)
        self.assertTrue(w.result("t1", b"PK result").success)
        self.assertTrue(w.result("t1", b"PK result").success)
        self.assertFalse(w.result("t1", b"PK other").success)
        self.assertEqual(user.tasks(), {"t1": "COMPLETED"})
        self.assertEqual(user.get("t1").result_zip, b"PK result")
        log = user.call("MasterNodeService", "GetTasklog", hm.GetTasklogRequest(task_id="t1", token=user.token),
                        hm.GetTasklogResponse)
        self.assertEqual(log.log, "--- Task Output ---\none\ntwo\n")
        other = self.worker("w2")
        other.login()
        usage = hm.TaskUsageRequest(task_id="0", token="w1")
        self.assertFalse(other.call("WorkerNodeService", "TaskUsage", usage).success)  # nobody keeps another's lease
        self.assertFalse(other.get("t1").success)  # what is somebody else's is not there
        self.assertEqual(other.tasks(), {})

    def test_a_log_is_cut_between_characters(self):
        user, w = self.user(), self.worker()
        w.join()
        user.upload("t1", b"PK")
        w.calls.get(timeout=site.LIMIT_S)
        w.call("WorkerNodeService", "TaskOutputUpload", hm.TaskOutputUploadRequest(task_id="t1", output="節" * 5001))
        log = user.call("MasterNodeService", "GetTasklog", hm.GetTasklogRequest(task_id="t1", token=user.token),
                        hm.GetTasklogResponse)
        self.assertEqual(log.log, "--- Task Output ---\n" + "節" * 3413 + "\n")

    def test_a_user_sees_all_of_its_tasks_among_those_of_others(self):
        user = self.user()
        user.upload("mine", b"PK")
        other = self.worker("w2")
        other.login()
        for i in range(1001):
            other.upload(f"other-{i}", b"PK")
        self.assertEqual(user.tasks(), {"mine": "PENDING"})

    def test_a_stop_that_the_node_did_not_hear_is_said_again(self):
        user, w = self.user(), self.worker()
        w.join()
        user.upload("t1", b"PK")
        w.calls.get(timeout=site.LIMIT_S)
        w.deaf = 2
        self.assertTrue(user.call("MasterNodeService", "StopTask",
                                  hm.StopTaskRequest(task_id="t1", token=user.token)).success)
        self.assertEqual(w.stops.get(timeout=site.LIMIT_S), "t1")
        self.assertEqual(w.deaf, 0)

    def test_what_is_refused_is_offered_again_and_does_not_count(self):
        w = self.worker()
        refused = []

        def answer(request):
            refused.append(request.task_id)
            return hm.Ack(success=len(refused) > 3, message="full")
        w.answer = answer
        w.join()
        self.user().upload("t1", b"PK")
        for _ in range(4):
            w.calls.get(timeout=site.LIMIT_S)
        self.assertTrue(w.result("t1", b"PK result").success)
        self.wait_over("t1")
        t = self.pool.task("t1")
        self.assertEqual((t["task"]["state"], len(t["attempts"])), ("Completed", 1))

    def test_a_lost_answer_leaves_the_task_where_it_is(self):
        w = self.worker()
        seen = threading.Event()

        def answer(request):
            if seen.is_set():
                return hm.Ack(success=False, message="it is here")
            seen.set()
            raise RuntimeError("the answer is lost")
        w.answer = answer
        w.join()
        self.user().upload("t1", b"PK")
        w.calls.get(timeout=site.LIMIT_S)  # the second offer: the first one raised
        self.assertTrue(w.result("t1", b"PK result").success)
        self.assertEqual(len(self.pool.task("t1")["attempts"]), 1)

    def test_a_stop_reaches_the_node(self):
        user, w = self.user(), self.worker()
        w.join()
        user.upload("t1", b"PK")
        w.calls.get(timeout=site.LIMIT_S)
        while user.tasks()["t1"] != "RUNNING":
            pass
        stop = user.call("MasterNodeService", "StopTask", hm.StopTaskRequest(task_id="t1", token=user.token))
        self.assertTrue(stop.success)
        self.assertEqual(w.stops.get(timeout=site.LIMIT_S), "t1")
        self.assertEqual(user.tasks(), {"t1": "STOPPED"})
        self.assertTrue(w.result("t1", b"PK stopped").success)
        self.assertEqual(self.pool.state("t1"), "Cancelled")

    def test_a_pool_that_died_finds_its_tasks_again(self):
        w = self.worker()
        w.join()
        self.pool.cli("submit", "--id", "t1", "--zip", self.zip())
        w.calls.get(timeout=site.LIMIT_S)
        port = self.pool.hivemind_port
        self.pool.options[2] = f"127.0.0.1:{port}"
        self.pool.kill()
        w.answer = lambda request: hm.Ack(success=False, message="it is here")
        self.pool.start()
        grpc.channel_ready_future(w.channel).result(site.LIMIT_S)
        self.expect(grpc.StatusCode.UNAUTHENTICATED, w.status)  # tokens are gone with the process
        w.join()
        self.assertTrue(w.result("t1", b"PK result").success)
        t = self.pool.task("t1")
        self.assertEqual((t["task"]["state"], len(t["attempts"])), ("Completed", 1))

    def zip(self):
        path = os.path.join(self.pool.dir, "task.zip")
        with open(path, "wb") as f:
            f.write(b"PK" + os.urandom(100))
        return path

    def test_a_large_zip_goes_through(self):
        user, w = self.user(), self.worker()
        w.join()
        data = os.urandom(1 << 20) * 48
        self.assertTrue(user.upload("t1", data).success)
        self.assertEqual(len(w.calls.get(timeout=site.LIMIT_S).task_zip), len(data))
        self.assertTrue(w.result("t1", data).success)
        self.assertEqual(user.get("t1").result_zip, data)


class LikeDeployed(Case):
    MORE = ["--like-deployed"]

    def test_a_bad_token_looks_like_a_bad_message(self):
        w = self.worker()
        w.token = "nonsense"
        self.assertEqual(self.expect(grpc.StatusCode.INTERNAL, w.status), "Exception deserializing request!")

    def test_a_result_that_comes_too_soon_is_lost(self):
        user, w = self.user(), self.worker()
        answered = []

        def answer(request):
            answered.append(w.result(request.task_id, b"PK too soon"))
            return hm.Ack(success=True)
        w.answer = answer
        w.join()
        user.upload("t1", b"PK")
        w.calls.get(timeout=site.LIMIT_S)
        self.assertTrue(answered[0].success)
        while user.tasks()["t1"] != "RUNNING":
            pass
        self.assertFalse(user.get("t1").success)
        self.assertTrue(w.result("t1", b"PK again").success)
        self.assertEqual(user.tasks(), {"t1": "COMPLETED"})

    def test_a_node_at_127_0_0_1_is_skipped(self):
        local, other = self.worker(host="127.0.0.1"), self.worker("w2")
        local.join()
        user = self.user()
        user.upload("t1", b"PK")
        self.pool.admin()
        other.join()
        user.upload("t2", b"PK")
        user.upload("t3", b"PK")
        self.assertIn(other.calls.get(timeout=site.LIMIT_S).task_id, ("t2", "t3"))
        self.assertTrue(local.calls.empty())


class Expiry(Case):
    MORE = ["--token-life", "50ms"]

    def test_a_token_ends(self):
        w = self.worker()
        w.login()
        while True:
            try:
                w.register()
            except grpc.RpcError as e:
                self.assertEqual(e.code(), grpc.StatusCode.UNAUTHENTICATED)
                break
        self.assertTrue(w.login().success)


if __name__ == "__main__":
    unittest.main()
