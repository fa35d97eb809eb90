"""The shipped task types on a real engine, through the real agent: python, csv, text, image and scikit-learn for real (an image
from Debian's packages), TensorFlow and PyTorch with stand-in wheels; receipts of all of it."""
import json
import os
import shutil
import struct
import subprocess
import zipfile
import zlib

import base
import hv
import wheels

TYPES = os.path.join(hv.TOP, "config", "task-types.d")
PYTHON = "hv/python:1"
DATA = "a,b,kind\n" + "".join(f"{i},{i * 3 % 7},{'odd' if i % 2 else 'even'}\n" for i in range(40))

# What a task asks of TensorFlow and PyTorch, and nothing of what they do.
STAND_INS = {
    "tensorflow": '''
class _Random:
    def set_seed(self, seed): pass
class _Layers:
    def Dense(self, n, activation=None): return n
class _Model:
    def __init__(self, layers): self.last = layers[-1]
    def compile(self, optimizer, loss): assert loss in ("sparse_categorical_crossentropy", "mse")
    def fit(self, x, y, epochs, verbose): self.epochs = epochs
    def predict(self, x, verbose): return [[1.0] + [0.0] * (self.last - 1) for _ in x]
    def save(self, path): open(path, "w").write("epochs %d" % self.epochs)
class _Optimizers:
    def Adam(self, learning_rate): return learning_rate
class keras:
    layers, optimizers, Sequential = _Layers(), _Optimizers(), _Model
random = _Random()
def constant(x): return x
''',
    "torch": '''
import contextlib
float32, long = "float32", "long"
class tensor(list):
    def __init__(self, v, dtype=None): super().__init__(v)
    def tolist(self): return list(self)
    def backward(self): pass
class _Module:
    last = 1
    def __call__(self, x): return tensor([[1.0] + [0.0] * (self.last - 1) for _ in x])
    def parameters(self): return []
    def state_dict(self): return {}
class nn:
    @staticmethod
    def Linear(a, b): return b
    @staticmethod
    def ReLU(): return None
    @staticmethod
    def Sequential(*layers):
        m = _Module(); m.last = layers[-1]; return m
    @staticmethod
    def CrossEntropyLoss(): return lambda out, y: tensor([])
    MSELoss = CrossEntropyLoss
class optim:
    class Adam:
        def __init__(self, p, lr): pass
        def zero_grad(self): pass
        def step(self): pass
def manual_seed(s): pass
def no_grad(): return contextlib.nullcontext()
def save(state, path): open(path, "w").write("model")
''',
}


def png(width, height, value):
    """A grey picture."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes([value]) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


class Types(base.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        subprocess.run([os.path.join(hv.TOP, "test", "lib", "python-image.sh"), cls.engine.sock], check=True)

    def setUp(self):
        super().setUp()
        self.policy = os.path.join(self.agent.dir, "data")
        os.makedirs(self.policy)
        shutil.copytree(TYPES, os.path.join(self.agent.dir, "task-types.d"), copy_function=shutil.copy)
        os.chmod(os.path.join(self.agent.dir, "task-types.d"), 0o755)

    def body(self, *tasks, defaults=""):
        lines = "".join("    - " + json.dumps({"image": PYTHON, "pullPolicy": "never", "timeout": "5m", **t}) + "\n" for t in tasks)
        return (f"  node: {{policy: {{hostPaths: [{self.policy}]}}}}\n{defaults}  tasks:\n{lines}")

    def task(self, name):
        found = [t for t in self.agent.call("GET", "/api/v1/tasks")["items"]
                 if t["metadata"]["task"] == name]
        return found[0] if found else None

    def ended(self, name):
        def over():
            t = self.task(name)
            return t and t["status"]["phase"] in ("Completed", "Failed", "TimedOut", "Stopped", "Rejected")
        self.agent.wait(over, f"task {name} has ended", 240)
        return self.task(name)

    def log(self, task):
        return self.agent.call("GET", f"/api/v1/tasks/{task['metadata']['name']}/logs", accept="text/plain")

    def result(self, task, path):
        return self.agent.call("GET", f"/api/v1/tasks/{task['metadata']['name']}/results/{path}", accept="*/*")

    def completed(self, name):
        task = self.ended(name)
        self.assertEqual(task["status"]["phase"], "Completed", f"{task}\n{self.log(task)}")
        return task

    def test_shipped_types(self):
        pictures = os.path.join(self.policy, "pictures.zip")
        with zipfile.ZipFile(pictures, "w") as z:
            z.writestr("a/dark.png", png(600, 300, 10))
            z.writestr("bright.png", png(20, 30, 250))
            z.writestr("note.txt", "no picture")
        self.up(self.body(
            {"name": "py", "type": "python", "parameters": {
                "code": "import os\nos.mkdir('results')\nopen('results/o', 'w').write('42')\nprint('said')\n"}},
            {"name": "csv", "type": "data_processing",
             "parameters": {"processing_type": "csv_analysis", "input_data": "n,w\n1,x\n2,y\n,x\n4,x\n"}},
            {"name": "text", "type": "data_processing",
             "parameters": {"processing_type": "text_analysis", "top": 1, "input_data": "The cat. the dog! Ein Über-Tier\n"}},
            {"name": "image", "type": "data_processing", "parameters": {
                "processing_type": "image_processing", "input_data": {"archive": pictures}, "max_size": 60, "requirements": []}},
            {"name": "sk", "type": "ml", "resources": {"limits": {"memory": "1Gi", "cpu": "1"}}, "parameters": {
                "model_type": "scikit-learn", "training_data": DATA, "requirements": []}},
            {"name": "bad", "type": "data_processing",
             "parameters": {"processing_type": "csv_analysis", "input_data": "a,b\n1\n"}}))

        py = self.completed("py")
        self.assertEqual(self.result(py, "results/o"), "42" if isinstance(self.result(py, "results/o"), str) else 42)
        self.assertIn("said", self.log(py))

        summary = self.json(self.completed("csv"), "results/summary.json")
        self.assertEqual(summary["files"][0]["rows"], 4)
        n, w = summary["files"][0]["columns"]["n"], summary["files"][0]["columns"]["w"]
        self.assertEqual((n["type"], n["missing"], n["sum"], n["median"]), ("number", 1, 7.0, 2.0))
        self.assertEqual((w["type"], w["most_common"][0]), ("text", ["x", 3]))

        words = self.json(self.completed("text"), "results/summary.json")["files"][0]
        self.assertEqual((words["words"], words["sentences"], words["most_common"]), (6, 3, [["the", 2]]))

        summary = self.json(self.completed("image"), "results/summary.json")
        self.assertEqual([(i["file"], i["width"], i["thumbnail_size"]) for i in summary["images"]],
                         [("a/dark.png", 600, [60, 30]), ("bright.png", 20, [20, 30])])
        self.assertEqual([i["brightness"] for i in summary["images"]], [10.0, 250.0])
        self.assertEqual([f["file"] for f in summary["not_images"]], ["note.txt"])

        metrics = self.json(self.completed("sk"), "results/metrics.json")
        self.assertEqual((metrics["goal"], metrics["classes"], metrics["rows"]), ("classification", ["even", "odd"], 40))
        self.assertGreaterEqual(metrics["metrics"]["accuracy"], 0)

        bad = self.ended("bad")
        self.assertEqual(bad["status"]["phase"], "Failed")
        self.assertIn("row 2 has 1 columns, the header 2", self.log(bad))
        self.receipts(6, py)

    def json(self, task, path):
        found = self.result(task, path)
        return found if isinstance(found, dict) else json.loads(found)

    def receipts(self, n, py):
        """All of them, one chain, made by this node; one that is missing is seen."""
        folder, key = os.path.join(self.agent.dir, "receipts"), self.agent.ctl("receipt", "key").stdout.strip()
        os.makedirs(folder)
        tasks = [t["metadata"]["name"] for t in self.agent.call("GET", "/api/v1/tasks")["items"]]
        self.assertEqual(len(tasks), n)
        for name in tasks:
            with open(os.path.join(folder, name + ".json"), "w") as f:
                f.write(self.agent.ctl("task", "receipt", name).stdout)
        good = self.agent.ctl("receipt", "verify", folder, "--chain", "--signer", key)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertEqual(good.stdout.count(": good, key "), n)
        first = os.path.join(folder, py["metadata"]["name"] + ".json")
        with open(first) as f:
            receipt = json.load(f)["receipt"]
        self.assertEqual((receipt["state"], receipt["cause"], receipt["exitCode"], receipt["attempt"]), ("Completed", "success", 0, 1))
        self.assertEqual([i["path"] for i in receipt["inputs"]], ["task.py"])
        self.assertTrue(receipt["image"]["id"].startswith("sha256:"), receipt["image"])
        self.assertEqual(receipt["outputs"]["files"], 1)
        self.assertEqual(self.agent.ctl("receipt", "verify", first, "--signer", "00" * 32).returncode, 1)
        with open(first, "r+b") as f:
            f.seek(40)
            byte = f.read(1)[0]
            f.seek(40)
            f.write(bytes([byte ^ 1]))
        changed = self.agent.ctl("receipt", "verify", folder, "--chain")
        self.assertEqual(changed.returncode, 1)
        ordered = [line.split(":")[0] for line in good.stdout.splitlines()]
        with open(first, "r+b") as f:
            f.seek(40)
            f.write(bytes([byte]))
        os.unlink(ordered[n // 2])
        gap = self.agent.ctl("receipt", "verify", folder, "--chain")
        self.assertEqual(gap.returncode, 1)
        self.assertIn("are missing", gap.stderr)

    def test_types_with_their_own_requirements(self):
        """As somebody writes them, packages and all. Wheels of the real names stand in: for TensorFlow and PyTorch with what the
        types ask of them, for the others as a mark beside what the image has."""
        folder = os.path.join(self.agent.dir, "wheels")
        for name, text in STAND_INS.items():
            wheels.make(folder, name, files={f"{name}.py": text})
        for name in ("scikit-learn", "pillow", "extra"):
            wheels.make(folder, name, files={f"mark_of_{name.replace('-', '_')}.py": "here = True\n"})
        for path in (self.agent.dir, folder):
            os.chmod(path, 0o755)
        pictures = os.path.join(self.policy, "pictures.zip")
        with zipfile.ZipFile(pictures, "w") as z:
            z.writestr("dark.png", png(600, 300, 10))

        def ml(name, model_type, data, **more):
            return {"name": name, "type": "ml", "resources": {"limits": {"memory": "512Mi", "cpu": "500m"}},
                    "parameters": {"model_type": model_type, "training_data": data, **more}}
        numbers = "x,y\n" + "".join(f"{i},{i / 3}\n" for i in range(30))
        self.up(self.body(
            ml("tf", "tensorflow", DATA, epochs=3), ml("pt", "pytorch", numbers), ml("sk", "scikit-learn", DATA),
            {"name": "image", "type": "data_processing", "parameters": {
                "processing_type": "image_processing", "input_data": {"archive": pictures}, "max_size": 60}},
            {"name": "py", "type": "python", "parameters": {
                "code": "import mark_of_extra\nprint(mark_of_extra.here)\n", "requirements": ["Extra >= 1"]}},
            defaults=f"  taskDefaults: {{python: {{wheels: {folder}}}}}\n"))
        metrics = self.json(self.completed("tf"), "results/metrics.json")
        self.assertEqual((metrics["model_type"], metrics["options"]["epochs"], metrics["model"]), ("tensorflow", 3, "model.keras"))
        self.assertEqual(self.result(self.task("tf"), "results/model.keras"), "epochs 3")
        metrics = self.json(self.completed("pt"), "results/metrics.json")
        self.assertEqual((metrics["goal"], list(metrics["metrics"])), ("regression", ["mean_absolute_error"]))
        self.assertGreaterEqual(self.json(self.completed("sk"), "results/metrics.json")["metrics"]["accuracy"], 0)
        summary = self.json(self.completed("image"), "results/summary.json")
        self.assertEqual([(i["file"], i["thumbnail_size"]) for i in summary["images"]], [("dark.png", [60, 30])])
        self.completed("py")
        self.assertEqual(self.log(self.task("py")), "True\n")
        root = os.path.join(self.agent.dir, "state", "packages")
        kept = sorted(n for key in os.listdir(root) for n in os.listdir(os.path.join(root, key)) if n.endswith(".py"))
        self.assertEqual(kept, ["mark_of_extra.py", "mark_of_pillow.py", "mark_of_scikit_learn.py", "tensorflow.py", "torch.py"])

    def test_unsupported(self):
        """Nothing is made of what no type supports."""
        for kind, parameters, says in (
                ("ml", {"model_type": "keras", "training_data": "a,b\n1,2\n"}, "Unsupported model type: keras"),
                ("data_processing", {"processing_type": "video", "input_data": "x"}, "Unsupported processing type: video")):
            self.agent.write(hv.document(self.body({"name": "t", "type": kind, "parameters": parameters})))
            r = self.agent.run("--check")
            self.assertEqual(r.returncode, 1)
            self.assertIn(says, r.stderr + r.stdout)
        self.assertEqual(self.engine.containers(), {})


if __name__ == "__main__":
    base.main()
