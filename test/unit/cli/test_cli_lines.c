/* Command lines and what a script gets back: exit code, and which stream says what. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define GOOD HV_SOURCE_DIR "/config/quickstart.yaml"
#define BAD HV_SOURCE_DIR "/test/unit/cli/data/bad.yaml"
#define WARNS HV_SOURCE_DIR "/config/example.yaml"
#define TASK HV_SOURCE_DIR "/test/unit/cli/data/task.yaml"
#define CONFDIR HV_SOURCE_DIR "/test/unit/cli/data/conf.d"

static void agent_denies(struct stage *s) {
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -EACCES, "not yours to change");
}

static void agent_is_late(struct stage *s) {
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -ETIMEDOUT, "the engine took too long");
}

static void object_is_not_there(struct stage *s) {
        s->outcome = HV_API_FAILED;
        hv_err_set(&s->err, -ENOENT, "service web is not of the source api");
}

static void revision_is_parked(struct stage *s) {
        s->outcome = HV_API_PARKED;
        stage_park(s);
}

static void files_are_refused(struct stage *s) {
        s->outcome = HV_API_REFUSED;
        stage_refuse(s);
}

static void a_service_ends_at_once(struct stage *s) {
        stage_break_web(s);
        stage_unit(s, "hive-proxy")->reason = HV_REASON_BACK_OFF;
}

static void something_is_to_be_done(struct stage *s) {
        s->steps[0] = (struct hv_api_step){ HV_ACTION_CREATE, "service/web/1", "hive-web", "missing" };
        s->n_steps = 1;
}

static void nothing_is_new(struct stage *s) {
        s->outcome = HV_API_UNCHANGED;
}

static void nothing_was_in_force_yet(struct stage *s) {
        s->status.active_revision = "";
}

static void there_is_a_log(struct stage *s) {
        s->log_text = "GET / 200\n";
}

static void it_has_not_run_before(struct stage *s) {
        s->log_text = "";
        hv_err_set(&s->err, -ENOENT, "web/1 has not run before its present start");
}

static void there_are_events(struct stage *s) {
        stage_event(s, "Service", "web", "started hive-web");
}

/* What is submitted is a task that has ended already. */
static void the_task_succeeds(struct stage *s) {
        stage_tasks(s);
        s->task_id = "sieve-0a1b2c3d";
}

static void the_task_fails(struct stage *s) {
        stage_tasks(s);
        s->task_id = "resize-7";
}

static void the_task_takes_too_long(struct stage *s) {
        stage_tasks(s);
        s->task_id = "nightly-202611210315";
}

static void the_run_is_promised(struct stage *s) {
        stage_tasks(s);
        s->task_id = "nightly-202611210315";
}

static void the_minute_has_a_run(struct stage *s) {
        s->task_outcome = HV_API_TASK_FAILED;
        hv_err_set(&s->err, -EEXIST, "cron task nightly has a run of this minute already");
}

static void the_task_is_refused(struct stage *s) {
        stage_refuse(s);
        s->task_outcome = HV_API_TASK_REFUSED;
}

static void the_task_never_fits(struct stage *s) {
        s->task_outcome = HV_API_TASK_FAILED;
        hv_err_set(&s->err, -ENOSPC, "never fits: asks for 99 CPU, 4 can be given to tasks on this node");
}

static void the_task_runs_still(struct stage *s) {
        stage_tasks(s);
        s->task_outcome = HV_API_TASK_FAILED;
        hv_err_set(&s->err, -EBUSY, "task train-1 has not ended: stop it first");
}

static void asked_images_end(struct stage *s) {
        static const struct hv_api_preload v[] = {
                { .image = "docker.io/library/redis:7",
                  .by = "ana",
                  .phase = HV_API_PRELOAD_READY,
                  .message = "" },
                { .image = "docker.io/library/gone:1",
                  .by = "ana",
                  .phase = HV_API_PRELOAD_FAILED,
                  .message = "manifest unknown" },
        };

        s->preloads = (struct hv_api_preloads){ v, HV_ARRAY_SIZE(v) };
}

static void asked_images_take_long(struct stage *s) {
        static const struct hv_api_preload v[] = {
                { .image = "docker.io/library/redis:7",
                  .by = "ana",
                  .phase = HV_API_PRELOAD_READY,
                  .message = "" },
                { .image = "docker.io/library/big:1",
                  .by = "ana",
                  .phase = HV_API_PRELOAD_PULLING,
                  .message = "",
                  .came_bytes = 12 << 20,
                  .total_bytes = 40 << 20 },
        };

        s->preloads = (struct hv_api_preloads){ v, HV_ARRAY_SIZE(v) };
}

static void nothing_can_be_stopped(struct stage *s) {
        hv_err_set(&s->err, -ENOTCONN, "the engine does not answer, so nothing can be stopped");
}

static void secret_is_used(struct stage *s) {
        hv_err_set(&s->err, -EBUSY, "secret hub-login is used by registry/hub");
}

static void image_is_not_allowed(struct stage *s) {
        hv_err_set(&s->err, -EPERM, "\"evil:1\" matches none of node.policy.images.allow");
}

static void it_fits_later(struct stage *s) {
        s->fit.verdict = HV_API_FIT_LATER;
        s->fit.message = "asks for 7Gi memory, 6Gi are left now";
}

static void it_never_fits(struct stage *s) {
        s->fit.verdict = HV_API_FIT_NEVER;
        s->fit.message = "asks for 99 CPU, 4 can be given to tasks on this node";
}

static const struct line {
        const char *words;
        void (*make)(struct stage *s);
        int code;
        const char *out, *err; /* parts that must be there; NULL: the stream is empty; "": anything */
} lines[] = {
        /* usage */
        { "", NULL, 64, NULL, "hivectl COMMAND" },
        { "help", NULL, 0, "hivectl COMMAND", NULL },
        { "--help", NULL, 0, "hivectl COMMAND", NULL },
        { "help apply", NULL, 0, "hivectl apply -f web.yaml --wait", NULL },
        { "apply --help", NULL, 0, "--accept-prune REVISION", NULL },
        { "get -h", NULL, 0, "table, wide, json, yaml, name, jsonl, jsonpath, custom-columns", NULL },
        { "help frobnicate", NULL, 64, NULL, "there is no command \"frobnicate\"" },
        { "help sttus", NULL, 64, NULL, "there is no command \"sttus\"; did you mean status?" },
        { "help task lgos", NULL, 64, NULL, "there is no command \"task lgos\"; did you mean task logs?" },
        { "frobnicate --help", NULL, 64, NULL, "there is no command \"frobnicate\"" },
        { "sttus --help", NULL, 64, NULL, "did you mean status?" },
        { "-h sttus", NULL, 64, NULL, "did you mean status?" },
        { "task lgos --help", NULL, 64, NULL, "did you mean task logs?" },
        { "task xyzzy -h", NULL, 64, NULL, "task xyzzy: which of them? hivectl help task lists them" },
        { "--version", NULL, 0, "hivectl 0.", NULL },
        { "sttus", NULL, 64, NULL, "did you mean status?" },
        { "gte svc", NULL, 64, NULL, "did you mean get?" },
        { "frobnicate", NULL, 64, NULL, "there is no command \"frobnicate\"" },
        { "status --chek", NULL, 64, NULL, "did you mean --check?" },
        { "status --follow", NULL, 64, NULL, "this command has no option --follow" },
        { "status -x", NULL, 64, NULL, "unknown option \"x\"" },
        { "status -f x", NULL, 64, NULL, "this command has no option -f" },
        { "status one", NULL, 64, NULL, "one word too many: \"one\"" },
        { "status --check=yes", NULL, 64, NULL, "--check takes no value" },
        { "get svc -o", NULL, 64, NULL, "--output needs a value" },
        { "get svc -o jsn", NULL, 64, NULL, "did you mean json?" },
        { "get svc -o sarif", NULL, 64, NULL,
          "get has no output form sarif; it has: table, wide, json, yaml, name, jsonl, jsonpath, custom-columns" },
        { "get svc -o jsonpath", NULL, 64, NULL, "expected a template" },
        { "get svc -o jsonpath={.items[x]}", NULL, 64, NULL,
          "expected [NUMBER], [*] or ['NAME'] at character 9" },
        { "get svc -o jsonpth={.x}", NULL, 64, NULL, "none of its values" },
        { "get svc -o custom-columns", NULL, 64, NULL, "custom-columns: expected HEADING:PATH, found \"\"" },
        { "get svc -o custom-columns=A:.x,B", NULL, 64, NULL, "expected HEADING:PATH, found \"B\"" },
        { "get svc -o custom-columns=:.x", NULL, 64, NULL, "expected HEADING:PATH, found \":.x\"" },
        { "get svc -o custom-columns=A:.x[", NULL, 64, NULL, "column A: jsonpath: expected [NUMBER]" },
        { "get", NULL, 64, NULL, "what is to be shown?" },
        { "get servces", NULL, 64, NULL, "did you mean services?" },
        { "get xyzzy", NULL, 64, NULL, "types: service (svc)" },
        { "get svc/", NULL, 64, NULL, "the name is missing" },
        { "describe svc", NULL, 64, NULL, "hivectl describe service/NAME" },
        { "describe web", NULL, 64, NULL,
          "there is no type \"web\" (an object is named with its type: service/web); types: service" },
        { "describe svc/web more", NULL, 64, NULL, "one word too many" },
        { "why net", NULL, 64, NULL, "which network?" },
        { "wait --timeout 5", NULL, 64, NULL, "did you mean 5s?" },
        { "wait --timeout never", NULL, 64, NULL, "expected a time such as 30s or 5m" },
        { "wait --for redy", NULL, 64, NULL, "did you mean ready?" },
        { "logs", NULL, 64, NULL, "hivectl logs web" },
        { "logs web --tail many", NULL, 64, NULL, "expected a number of lines, found \"many\"" },
        { "logs web --previous -f", NULL, 64, NULL, "--previous is over, and --follow waits for more" },
        { "logs -pf task/train-1", NULL, 64, NULL, "--previous is over" },
        { "task logs train-1 -p --follow", NULL, 64, NULL, "--previous is over" },
        { "logs net/backend", NULL, 64, NULL, "only services and tasks have logs" },
        { "delete", NULL, 64, NULL, "hivectl delete service/web" },
        { "completion", NULL, 64, NULL, "bash, zsh or fish" },
        { "completion tcsh", NULL, 64, NULL, "no completion for that shell" },
        { "status --color sometimes", NULL, 64, NULL, "auto, always, never" },
        /* looking */
        { "status", NULL, 0, "converged: 5/5 in sync", NULL },
        { "status --check", NULL, 0, "in sync", NULL },
        { "status --check", stage_break_web, 2, "not converged: 3/5 in sync", NULL },
        { "status --check", stage_park, 2, "--accept-prune bb1122334455", NULL },
        { "status", nothing_was_in_force_yet, 0, "Revision   none is in force\n", NULL },
        { "status --check", stage_refuse, 1, "pullPolcy", NULL },
        { "status --check", stage_lose_engine, 2, "DockerDown", NULL },
        { "status", stage_break_web, 0, "PullFailed", NULL },
        { "-o json status", NULL, 0, "\"converged\": true", NULL },
        { "status -oyaml", NULL, 0, "converged: true", NULL },
        { "status -o=yaml", NULL, 0, "kind: NodeStatus", NULL },
        { "get services", NULL, 0, "web\t2/2\tRunning\t0\t6m\tnginx:1.27-alpine\n", NULL },
        { "get svc web -o name", NULL, 0, "service/web\n", NULL },
        { "get svc/web net/backend -o name", NULL, 0, "service/web\nnetwork/backend\n", NULL },
        { "get svc,net -o name", NULL, 0, "service/web\nnetwork/backend\n", NULL },
        { "get all", NULL, 0, "registry/private\tReady", NULL },
        { "get svc web db -o json", NULL, 0, "\"kind\": \"List\"", NULL },
        { "get svc -o jsonpath={.items[*].metadata.name}", NULL, 0, "cache db proxy web", NULL },
        { "get svc web -o jsonpath={.spec.image}", NULL, 0, "docker.io/library/nginx:1.27-alpine", NULL },
        { "status -o jsonpath=.engine.name", NULL, 0, "Docker", NULL },
        { "get svc web db -o custom-columns=NAME:.metadata.name,TIER:.metadata.labels['tier'],N:{.status.replicas}",
          NULL, 0, "NAME\tTIER\tN\nweb\tfront\t2\ndb\t-\t1\n", NULL },
        { "get svc web -o custom-columns=IMAGE:.spec.image --no-headers", NULL, 0,
          "docker.io/library/nginx:1.27-alpine\n", NULL },
        { "get svc web -o custom-columns=A:.metadata.labels[\"a,b\"],NAME:.metadata.name", NULL, 0,
          "A\tNAME\n-\tweb\n", NULL },
        { "status -o custom-columns=ENGINE:.engine.name", NULL, 0, "ENGINE\nDocker\n", NULL },
        { "get svc web -o jsonl", NULL, 0, "{\"apiVersion\":\"hivelet/v1\",\"kind\":\"Service\"", NULL },
        { "get net -o jsonl", NULL, 0, "}\n{", NULL },
        { "get svc -l tier=front -o name", NULL, 0, "service/web\n", NULL },
        { "get svc -l tier -o name", NULL, 0, "service/web\n", NULL },
        { "get svc -l tier!=front -o name", NULL, 0, "service/cache\nservice/db\nservice/proxy\n", NULL },
        { "get svc -l '!tier' -o name", NULL, 0, "service/cache\nservice/db\nservice/proxy\n", NULL },
        { "get svc -l tier=front,absent", NULL, 0, NULL, "there are no services with these labels" },
        { "get svc -l tier=front -o json", NULL, 0, "\"kind\": \"List\"", NULL },
        { "get svc --no-headers", NULL, 0, "cache\t1/1", NULL },
        { "ps", stage_tasks, 0, "train-1\tRunning\t", NULL },
        { "ps -o name", stage_tasks, 0, "task/train-1\ntask/resize-7\n", NULL },
        { "-o name ps train-1", stage_tasks, 0, "task/train-1\n", NULL },
        { "ps train-2", stage_tasks, 4, NULL, "did you mean \"train-1\"?" },
        { "ps --help", NULL, 0, "The same as hivectl get tasks; hivectl help get tells more.", NULL },
        { "help ps", NULL, 0, "--selector LABELS", NULL },
        { "ps --chek", NULL, 64, NULL, "usage: hivectl ps [ID...]" },
        { "ps -o sarif", NULL, 64, NULL, "get has no output form sarif" },
        { "inspect svc/web", NULL, 0, "\"kind\": \"Service\"", NULL },
        { "inspect svc web db", NULL, 0, "\"kind\": \"List\"", NULL },
        { "inspect svc/web -o yaml", NULL, 0, "kind: Service\n", NULL },
        { "inspect", NULL, 64, NULL, "what is to be shown?" },
        { "inspect svc/nope", NULL, 4, NULL, "there is no service" },
        { "inspct svc/web", NULL, 64, NULL, "did you mean inspect?" },
        { "net ls -o name", NULL, 0, "network/backend\n", NULL },
        { "net ls backend -o name", NULL, 0, "network/backend\n", NULL },
        { "get wg", NULL, 0, NULL, "there are no wireguard" },
        { "get wg -q", NULL, 0, NULL, NULL },
        { "explain svc/web --field replicas", NULL, 0, "value     2\n  set by    ", NULL },
        { "explain svc/web --field restart.policy", NULL, 0, "  set by    nobody: the default\n", NULL },
        { "explain svc/web --field xyzzy", NULL, 4, NULL,
          "Service has no field \"xyzzy\"; hivectl explain Service" },
        { "explain svc/wbe --field image", NULL, 4, NULL, "did you mean \"web\"?" },
        { "explain svc --field image", NULL, 64, NULL, "which service?" },
        { "explain svc/web", NULL, 64, NULL, "--field image" },
        { "explain --field image", NULL, 64, NULL, "of which object?" },
        { "get svc wbe", NULL, 4, NULL, "did you mean \"web\"?" },
        { "get svc/nothing-like-it", NULL, 4, NULL, "there is no service \"nothing-like-it\"" },
        { "describe service/web", NULL, 0, "hive-web-2\tRunning", NULL },
        { "describe vol data", NULL, 0, "reclaim: retain", NULL },
        { "describe svc/nope", NULL, 4, NULL, "there is no service" },
        { "rollout status proxy", a_service_ends_at_once, 1, ": BackOff: ran out of memory", NULL },
        { "why svc/web", stage_break_web, 0, "pull hive-web-2 in 12s", NULL },
        { "why service web", NULL, 0, "service/web is as wished", NULL },
        { "why", NULL, 0, "node worker-1 is as wished", NULL },
        { "why", stage_park, 0, "PruneBlocked", NULL },
        { "why node", stage_cap, 0, "caps      hivelet.slice: CPU 1500m, memory all\n", NULL },
        { "why node", stage_lose_caps, 0, "it is not so: cannot make cgroup", NULL },
        { "why config/web-conf", NULL, 0, "nothing acts on it", NULL },

        /* cron tasks */
        { "cron", NULL, 64, NULL, "which of them? hivectl help cron lists them" },
        { "cron stop nightly", NULL, 64, NULL, "cron stop: which of them? hivectl help cron lists them" },
        { "cron trigger", NULL, 64, NULL, "which cron task? hivectl cron ls lists them" },
        { "cron ls", NULL, 0, "nightly\tScheduled\t15 3 * * *\t3h\talpine:3.20", NULL },
        { "cron ls -o name", NULL, 0, "cronTask/nightly\n", NULL },
        { "get cron nightly -o yaml", NULL, 0, "timeZone: Europe/Berlin", NULL },
        { "describe cron/nightly", NULL, 0, "a run at 20", NULL },
        { "cron trigger nightly", the_run_is_promised, 0, "nightly-202611210315\n", NULL },
        { "cron trigger cron/nightly", the_run_is_promised, 0, "nightly-202611210315\n", NULL },
        { "cron trigger nightly", the_minute_has_a_run, 1, NULL, "has a run of this minute already" },
        { "cron trigger nightli", NULL, 4, NULL, "did you mean \"nightly\"?" },
        { "cron suspend nightly --reason 'the disk moves'", stage_tasks, 0, NULL,
          "cron task nightly is suspended" },
        { "cron resume cron/nightly", stage_tasks, 0, NULL, "cron task nightly goes on; next run 20" },

        /* tasks */
        { "task", NULL, 64, NULL, "which of them? hivectl help task lists them" },
        { "task --help", NULL, 0, "task results", NULL },
        { "help task", NULL, 0, "task receipt", NULL },
        { "help task stop", NULL, 0, "hivectl task stop ID", NULL },
        { "task stop --help", NULL, 0, "--reason TEXT", NULL },
        { "task sl", NULL, 64, NULL, "there is no command \"task sl\"; did you mean task ls?" },
        { "task lgos x", NULL, 64, NULL, "did you mean task logs?" },
        { "task show", NULL, 64, NULL, "which task?" },
        { "task logs", NULL, 64, NULL, "of which task?" },
        { "task results", NULL, 64, NULL, "of which task?" },
        { "task stop", NULL, 64, NULL, "which task?" },
        { "task ls extra", NULL, 64, NULL, "one word too many" },
        { "task results x -o", NULL, 64, NULL, "--output needs a value: DIR" },
        { "get tasks -o name", stage_tasks, 0, "task/train-1\ntask/resize-7\n", NULL },
        { "task ls -o name", stage_tasks, 0, "task/big-1\n", NULL },
        { "task ls", stage_tasks, 0, "resize-7\tFailed (exitCode)\t3\t2\t", NULL },
        { "task ls", NULL, 0, NULL, "there are no tasks" },
        { "task ls -o jsonpath=[{.items[*].metadata.name}]", stage_tasks, 0,
          "[big-1 train-1 resize-7 sieve-0a1b2c3d nightly-202611210315]", NULL },
        { "task ls --state live -o jsonpath=[{.items[*].metadata.name}]", stage_tasks, 0, "[big-1 train-1]",
          NULL },
        { "task ls --state failed -o jsonpath=[{.items[*].metadata.name}]", stage_tasks, 0, "[resize-7]",
          NULL },
        { "task ls --search RESIZE -o jsonpath=[{.items[*].metadata.name}]", stage_tasks, 0, "[resize-7]",
          NULL },
        { "task ls --search a&b", stage_tasks, 0, NULL, "there are no tasks" },
        { "task ls --cron nightly -o jsonpath=[{.items[*].metadata.name}]", stage_tasks, 0,
          "[nightly-202611210315]", NULL },
        { "task ls --cron nightly --state live", stage_tasks, 0, NULL, "there are no tasks" },
        { "task ls --state sleeping", stage_tasks, 1, NULL, "sleeping" },
        { "get tasks --state live", stage_tasks, 64, NULL, "this command has no option --state" },
        { "get task train-1 -o json", stage_tasks, 0, "\"phase\": \"Running\"", NULL },
        { "task show resize-7 -o yaml", stage_tasks, 0, "cause: nodeError", NULL },
        { "task show resize-7", stage_tasks, 0, "GpuLost: its GPU is gone", NULL },
        { "task show train-2", stage_tasks, 4, NULL, "did you mean \"train-1\"?" },
        { "describe task/train-1", stage_tasks, 0, "/var/lib/hivelet/tasks/train-1/1/workspace", NULL },
        { "task logs sieve-0a1b2c3d", stage_tasks, 0, "one\ntwo\nwarning\nthree\n", NULL },
        { "logs task/sieve-0a1b2c3d --stream stderr", stage_tasks, 0, "warning\n", NULL },
        { "logs task sieve-0a1b2c3d --tail 1", stage_tasks, 0, "three\n", NULL },
        { "task logs nobody", stage_tasks, 4, NULL, "there is no task" },
        { "task results sieve-0a1b2c3d", stage_tasks, 0, "results/out.txt\t7\t", "left out: results/link" },
        { "task results train-1", stage_tasks, 4, NULL, "results come at its end" },
        { "task results sieve-0a1b2c3d -o /proc/none", stage_tasks, 1, NULL, "/proc/none cannot be made" },
        { "task stop train-1", stage_tasks, 0, NULL, "task train-1 is being stopped" },
        { "task stop resize-7", stage_tasks, 0, NULL, "task resize-7 has ended" },
        { "task stop resize-7 --wait -q", stage_tasks, 0, NULL, NULL },
        { "task retry resize-7", stage_tasks, 0, NULL, "task resize-7 runs again" },
        { "task rm resize-7", stage_tasks, 0, NULL, "task resize-7 is forgotten" },
        { "task rm train-1", the_task_runs_still, 1, NULL, "has not ended" },
        { "task receipt resize-7", stage_tasks, 4, NULL, "ended without a receipt" },
        { "wait task/resize-7", stage_tasks, 0, NULL, NULL },
        { "trust", stage_tasks, 0, "7 (low)\n", NULL },
        { "trust --ledger", stage_tasks, 0, "+2\t+2\t7\tlow\tsuccess\tsieve-0a1b2c3d", NULL },
        { "trust --ledger", NULL, 1, NULL, "the ledger is not there" },
        { "fit", NULL, 64, NULL, "One document, with -f" },
        { "fit -f " TASK, NULL, 0, "it fits now", NULL },
        { "fit -f " TASK, it_fits_later, 2, "it fits later: asks for 7Gi memory", NULL },
        { "fit -f " TASK, it_never_fits, 1, "it never fits", NULL },
        { "run", NULL, 64, NULL, "what is to be run?" },
        { "run busybox -f " TASK, NULL, 64, NULL, "what is to be run?" },
        { "run -f " TASK " --memory 1Gi", NULL, 64, NULL, "with -f the document says it all" },
        { "run -f /nonexistent", NULL, 1, NULL, "/nonexistent" },
        { "run busybox --env A", NULL, 64, NULL, "--env A: expected NAME=VALUE" },
        { "run busybox --input x", NULL, 64, NULL, "expected SOURCE:PATH" },
        { "run busybox --input https://x", NULL, 64, NULL, "expected SOURCE:PATH" },
        { "run busybox --input /nonexistent:x", NULL, 1, NULL, "/nonexistent" },
        { "run -f " TASK, the_task_succeeds, 0, "sieve-0a1b2c3d\n", NULL },
        { "run busybox -- echo -n hello", the_task_fails, 0, "resize-7\n", NULL },
        { "run -f " TASK " -o json", the_task_fails, 0, "\"exitCode\": 3", NULL },
        { "run -f " TASK " --wait -q", the_task_succeeds, 0, NULL, NULL },
        { "run -f " TASK " --wait", the_task_fails, 3, NULL,
          "task resize-7: Failed: ended with exit code 3" },
        { "run -f " TASK " --wait", the_task_takes_too_long, 124, NULL, "TimedOut: ran for longer than 20m" },
        { "run -f " TASK " --follow", the_task_succeeds, 0, "one\ntwo\nwarning\nthree\n", "task sieve" },
        { "run -f " TASK, the_task_is_refused, 1, NULL, "pullPolcy" },
        { "run -f " TASK " --wait", the_task_is_refused, 125, NULL, "pullPolcy" },
        { "run -f " TASK, the_task_never_fits, 1, NULL, "never fits: asks for 99 CPU" },
        { "run -f " TASK " --wait", the_task_never_fits, 125, NULL, "never fits" },
        { "why cron/x", NULL, 4, NULL, "there is no cronTask" },
        { "events", there_are_events, 0, "ContainerStarted\tservice/web\tstarted hive-web", NULL },
        { "events svc/web -o json", there_are_events, 0, "\"kind\": \"EventList\"", NULL },
        { "events", NULL, 0, NULL, "there are no events" },
        { "events --since yesterday", NULL, 1, NULL, "since: expected an event's id" },
        { "logs web/1", there_is_a_log, 0, "GET / 200\n", NULL },
        { "logs service/web/2", there_is_a_log, 0, "GET / 200\n", NULL },
        { "logs web", there_is_a_log, 0, "web/2 | GET / 200\n", NULL },
        { "logs svc db", there_is_a_log, 0, "GET / 200\n", NULL },
        { "logs web/1 --previous", there_is_a_log, 0, "GET / 200\n", NULL },
        { "logs web/1 -p", it_has_not_run_before, 4, NULL, "web/1 has not run before its present start" },
        { "task logs train-1 --previous", stage_tasks, 4, NULL,
          "task train-1 has no attempt before its first" },
        { "logs web/7", there_is_a_log, 4, NULL, "has 2 replicas" },
        { "logs web/1", NULL, 4, NULL, "no container yet" },
        { "logs nope", NULL, 4, NULL, "there is no service" },
        { "logs train-1", stage_tasks, 4, NULL, "hivectl logs task/train-1" },
        { "settings", stage_settings, 0, "gc.interval\t7m\tfile\t/etc/hivelet/node.yaml:4\n", NULL },
        { "settings", stage_settings, 0, "http.listen\t127.0.0.1:5000\tdefault\t-\n", NULL },
        { "settings --written --no-headers", stage_settings, 0,
          "node.id\tworker-1\tflag\t--node-id\nmaster.heartbeat\t10s\tvariable\tHEARTBEAT_INTERVAL\n"
          "gc.interval\t7m\tfile\t/etc/hivelet/node.yaml:4\n",
          NULL },
        { "settings node.id -o jsonl", stage_settings, 0, "{\"actedOn\":true,\"default\":", NULL },
        { "settings gc -o jsonpath={.items[*].field}", stage_settings, 0, "gc.interval", NULL },
        { "settings gc --written -o json", stage_settings, 0, "\"kind\": \"SettingList\"", NULL },
        { "settings http --written", stage_settings, 0, NULL, "nobody wrote any" },
        { "settings http.lsten", stage_settings, 4, NULL,
          "there is no setting \"http.lsten\"; did you mean http.listen?" },
        { "settings services", stage_settings, 4, NULL, "there is no setting \"services\"" },
        { "settings gc.inter", stage_settings, 4, NULL, "there is no setting \"gc.inter\"" },
        { "settings node http", stage_settings, 64, NULL, "one word too many" },
        { "whoami", NULL, 0, "Role     admin\nBy       socket\n", NULL },
        { "whoami", NULL, 0, "User     unix:uid=", NULL },
        { "whoami -o jsonpath={.role}", NULL, 0, "admin", NULL },
        { "top --history", NULL, 0, "TIME\tCPU\tMEMORY\tDISK\tIN/s\tOUT/s\n", NULL },
        { "top gpu --history", NULL, 64, NULL, "--history of gpu comes with -o json" },
        { "top gpu --history -o json", NULL, 0, "\"history\": [", NULL },
        { "top --histroy", NULL, 64, NULL, "did you mean --history?" },
        { "sources", NULL, 0, "api\tEmpty\t0", NULL },
        { "revisions", stage_park, 0, "bb1122334455\tParked", NULL },
        { "revisions -o name", NULL, 0, "aa00000000000000000000000000000000000000000000000000000000000000\n",
          NULL },
        { "version", NULL, 0, "agent   0.", NULL },
        { "version -o json", NULL, 0, "\"agent\": {", NULL },
        { "version -o jsonpath={.agent.engineApi.oldest}{.agent.poolProtocols[*]}{.agent.features[2]}", NULL,
          0, "1.41v1 hivemindtls", NULL },
        { "version -o jsonpath={.agent.commit}/{.agent.buildDate}", NULL, 0, "unknown/unknown", NULL },
        { "wait", NULL, 0, NULL, NULL },
        { "wait service/web", NULL, 0, NULL, NULL },
        { "wait svc/wbe", NULL, 4, NULL, "did you mean \"web\"?" },
        { "wait --for ready", stage_break_web, 0, NULL, NULL },
        { "wait --for=ready svc db", stage_break_web, 0, NULL, NULL },
        { "wait --timeout 2s", stage_break_web, 6, NULL, "waited long enough; last seen: 3/5 in sync" },
        { "wait svc/web --timeout 2s", stage_break_web, 6, NULL, "service/web: BackOff" },
        { "wait --timeout 2s", stage_park, 6, NULL, "waited long enough" },
        /* changing */
        { "apply", NULL, 0, "in force: revision", NULL },
        { "apply", nothing_is_new, 0, "unchanged: revision", NULL },
        { "apply -q", nothing_is_new, 0, NULL, NULL },
        { "apply -f " GOOD, NULL, 0, "+ service/web", NULL },
        { "apply -f " GOOD " --dry-run", NULL, 0, "valid: revision", NULL },
        { "apply -f " GOOD " --wait", NULL, 0, "in force", NULL },
        { "apply -f " GOOD " --wait --timeout 2s", stage_break_web, 6, "in force", "waited long enough" },
        { "apply", revision_is_parked, 2, "- service/db", NULL },
        { "apply --accept-prune bb11", NULL, 0, "in force", NULL },
        { "apply", files_are_refused, 1, NULL, "error[E0201]" },
        { "apply -o json", files_are_refused, 1, "\"code\": \"E0201\"", "refused: 2 errors" },
        { "apply -o json", nothing_is_new, 0, "\"changed\": false", NULL },
        { "apply", agent_denies, 5, NULL, "not yours to change" },
        { "apply", agent_is_late, 6, NULL, "the engine took too long" },
        { "apply -f /nonexistent.yaml", NULL, 1, NULL, "cannot open /nonexistent.yaml: No such file" },
        { "apply -f ''", NULL, 1, NULL, "a file needs a name" },
        { "apply extra", NULL, 64, NULL, "one word too many" },
        { "plan", NULL, 0, NULL, "nothing is to be done" },
        { "plan", something_is_to_be_done, 2, "create\tservice/web/1\thive-web\tmissing\n", NULL },
        { "diff", something_is_to_be_done, 2, "create", NULL },
        { "plan -o json", something_is_to_be_done, 2, "\"pending\": true", NULL },
        { "plan", revision_is_parked, 2, NULL, "would park this: it removes 3 of 5" },
        { "plan", files_are_refused, 1, NULL, "error[E0201]" },
        { "plan", agent_is_late, 6, NULL, "took too long" },
        { "reload", NULL, 0, "in force", NULL },
        { "reload", files_are_refused, 1, NULL, "error[" },
        { "preload", NULL, 64, NULL, "which image?" },
        { "preload redis:7", NULL, 0, NULL, "1 image is asked for" },
        { "preload evil:1", image_is_not_allowed, 5, NULL, "matches none of node.policy.images.allow" },
        { "preload redis:7 --wait", asked_images_end, 0, NULL, "redis:7 is there" },
        { "preload redis:7 gone:1 --wait", asked_images_end, 1, NULL,
          "gone:1 cannot be pulled: manifest unknown" },
        { "preload redis:7 big:1 --wait --timeout 1s", asked_images_take_long, 6, NULL,
          "the agent goes on: big:1 is being pulled: 12Mi of 40Mi" },
        { "images", asked_images_end, 0, "nginx:1.27-alpine", "gone:1 cannot be pulled: manifest unknown" },
        { "secret ls", NULL, 0,
          "hub-login\tfromFile\t/var/lib/hivelet/secrets/hub-login\t120\tregistry/hub\n", NULL },
        { "secret ls", NULL, 0, "old\tnot declared\t", NULL },
        { "secret set", NULL, 64, NULL, "which secret?" },
        { "secret set db", NULL, 64, NULL, "a secret is not empty" },
        { "secret set db --from-file " TASK, NULL, 0, NULL,
          "secrets: [{name: db, fromFile: /var/lib/hivelet/secrets/db}]" },
        { "secret set hub-login --from-file " TASK, NULL, 0, NULL, "is written, and in use" },
        { "secret set db --from-file /nonexistent", NULL, 1, NULL, "/nonexistent" },
        { "secret set db value", NULL, 64, NULL, "one word too many" },
        { "secret rm db", NULL, 0, NULL, "secret db is removed" },
        { "secret rm hub-login", secret_is_used, 1, NULL, "is used by registry/hub" },
        { "shutdown", NULL, 0, NULL, "the agent ends; containers keep running" },
        { "shutdown --yes", agent_denies, 5, NULL, "not yours to change" },
        { "shutdown --deadline 1m", NULL, 64, NULL, "--deadline is of tasks" },
        { "shutdown --stop-workloads --deadline 1m", NULL, 0, NULL, "services are stopped" },
        { "shutdown --stop-workloads", nothing_can_be_stopped, 1, NULL, "nothing can be stopped" },
        { "delete svc/web", NULL, 0, "in force", NULL },
        { "delete svc web", object_is_not_there, 4, NULL, "not of the source api" },
        /* without an agent */
        { "validate " GOOD, NULL, 0, NULL, "1 file: valid" },
        { "validate -q -f " GOOD, NULL, 0, NULL, NULL },
        { "validate -f " CONFDIR, NULL, 0, "", "" },
        { "validate " BAD, NULL, 1, "error[E0201]", "1 error, 0 warnings\n" },
        { "validate " WARNS, NULL, 0, "warning[W040]", "0 errors, 17 warnings\n" },
        { "validate --strict " WARNS, NULL, 3, "warning[W040]", "0 errors" },
        { "validate --strict " GOOD, NULL, 0, NULL, "valid" },
        { "validate -o json " BAD, NULL, 1, "\"valid\":false", NULL },
        { "validate -o sarif " BAD, NULL, 1, "\"version\":\"2.1.0\"", NULL },
        { "validate -o github " BAD, NULL, 1, "::error title=E0201,file=", NULL },
        { "validate -o table " BAD, NULL, 64, NULL, "it has: json, text, sarif, github" },
        { "validate /nonexistent", NULL, 1, NULL, "cannot open /nonexistent" },
        { "validate -f " GOOD " " BAD, NULL, 64, NULL, "not both" },
        { "explain", NULL, 0, "services", "" },
        { "explain services.ports.host", NULL, 0, "services.ports.host: text", NULL },
        { "explain spec.services[0].ports[1].host", NULL, 0, "range", NULL },
        { "explain Service", NULL, 0, "Service: ", "" },
        { "explain services.prts", NULL, 4, NULL, "did you mean services.ports?" },
        { "explain svc.ports.host", NULL, 0, "Service.ports.host: text", NULL },
        { "explain service.spec.env", NULL, 0, "Service.env: list of mappings", NULL },
        { "explain svc.prts", NULL, 4, NULL,
          "there is no field \"Service.prts\"; did you mean Service.ports?" },
        { "explain images.preload", NULL, 0, "images.preload: ", NULL },
        { "explain qwertz", NULL, 4, NULL, "there is no field" },
        { "schema", NULL, 0, "draft-07", NULL },
        { "completion bash", NULL, 0, "complete -F _hivectl hivectl", NULL },
        { "completion zsh", NULL, 0, "#compdef hivectl", NULL },
        { "completion fish", NULL, 0, "complete -c hivectl", NULL },
        { "__complete -- get service/w", NULL, 0, "service/web\tRunning\n", NULL },
        { "__complete -- logs ''", NULL, 0, "proxy\t", NULL },
        { "__complete -- get svc -o ''", NULL, 0, "wide\t\n", NULL },
        { "__complete -- rollback aa", NULL, 0, "aa0000000000\tPrevious\n", NULL },
        { "__complete -- apply --ac", NULL, 0, "--accept-prune\t", NULL },
        { "__complete -- apply -f ''", NULL, 0, ":file\n", NULL },
        { "__complete -- explain services.por", NULL, 0, "services.ports\t", NULL },
        { "__complete -- settings gc.int", NULL, 0, "gc.interval\t", NULL },
        { "__complete -- ps --sel", NULL, 0, "--selector\t", NULL },
        { "__complete -- he", NULL, 0, "help\t", NULL },
};

static bool fits(const char *wanted, const struct hv_buf *got) {
        return wanted ? strstr(hv_buf_str(got), wanted) != NULL : got->len == 0;
}

static void every_line_does_what_it_says(void **state) {
        unsigned n_wrong = 0;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(lines); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct run r;

                if (lines[i].make)
                        lines[i].make(s);
                r = run(s, lines[i].words, NULL);
                if (r.code != lines[i].code || !fits(lines[i].out, &r.out) || !fits(lines[i].err, &r.err)) {
                        n_wrong++;
                        print_error("hivectl %s\n  code %d, not %d\n  out: %.400s\n  err: %.400s\n",
                                    lines[i].words, r.code, lines[i].code, hv_buf_str(&r.out),
                                    hv_buf_str(&r.err));
                }
                run_done(&r);
        }
        assert_int_equal(n_wrong, 0);
}

/* However far it comes in that time. */
static void what_goes_on_ends_with_its_time(void **state) {
        static const char *const rows[] = { "get svc --watch --timeout 10ms", "events -f --timeout 10ms",
                                            "wait svc/web --timeout 10ms" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct run r;

                stage_break_web(s);
                r = run(s, rows[i], NULL);
                if (r.code != 6)
                        fail_msg("%s: %d", rows[i], r.code);
                run_done(&r);
        }
}

static void without_an_agent_the_code_is_7(void **state) {
        static const char *const rows[] = { "status", "get svc",  "describe svc/web", "why",       "wait",
                                            "events", "logs web", "sources",          "revisions", "apply",
                                            "plan",   "reload",   "delete svc/web",   "events -f" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct run r = run(NULL, rows[i], NULL);

                if (r.code != 7 || r.out.len > 0 ||
                    !strstr(hv_buf_str(&r.err), "there is no /nonexistent/hivelet.sock"))
                        fail_msg("hivectl %s: %d %s", rows[i], r.code, hv_buf_str(&r.err));
                run_done(&r);
        }
        struct run r = run(NULL, "version", NULL);

        assert_int_equal(r.code, 0);
        assert_non_null(strstr(hv_buf_str(&r.out), "agent   does not answer"));
        run_done(&r);
}

/* As in `hivectl get all | head -1`. */
static void a_reader_that_leaves_ends_it_in_silence(void **state) {
        static const char *const rows[] = { "schema",   "get all",    "get svc -o json",
                                            "settings", "logs web/1", "help" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct run r;

                there_is_a_log(s);
                r = run(s, rows[i], &(struct run_options){ .closed_out = true });
                if (r.code != 128 + SIGPIPE || r.err.len != 0)
                        fail_msg("%s: %d, %s", rows[i], r.code, hv_buf_str(&r.err));
                run_done(&r);
        }
}

/* Unless somebody has typed something. */
static int interrupt_when_asked(struct stage *s, const struct run *so_far, void *typed) {
        (void) s;
        return !typed && strstr(hv_buf_str(&so_far->out), "[y/N]") ? SIGINT : 0;
}

/* Who is at a terminal is asked before the agent ends; what is no yes, is a no. */
static void a_shutdown_is_asked_about(void **state) {
        static const struct {
                const char *what, *words, *typed;
                int code;
                bool is_asked, is_done;
        } rows[] = {
                { "y", "shutdown", "y\n", 0, true, true },
                { "Y", "shutdown", "Y\n", 0, true, true },
                { "yes", "shutdown", "yes\n", 0, true, true },
                { "n", "shutdown", "n\n", 1, true, false },
                { "nothing", "shutdown", "\n", 1, true, false },
                { "another word", "shutdown", "yeah\n", 1, true, false },
                { "the end of input", "shutdown", "\004", 1, true, false },
                { "Ctrl-C", "shutdown", NULL, 130, true, false },
                { "workloads too", "shutdown --stop-workloads", "y\n", 0, true, true },
                { "not to be asked", "shutdown --yes", NULL, 0, false, true },
                { "no terminal", "shutdown", NULL, 0, false, true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                bool is_terminal = !hv_streq(rows[i].what, "no terminal");
                struct run r = run(s, rows[i].words,
                                   &(struct run_options){ .columns = is_terminal ? 120 : 0,
                                                          .input = rows[i].typed,
                                                          .each_turn = interrupt_when_asked,
                                                          .userdata = (void *) rows[i].typed });
                bool is_asked = strstr(hv_buf_str(is_terminal ? &r.out : &r.err), "[y/N]") != NULL;

                if (r.code != rows[i].code || is_asked != rows[i].is_asked ||
                    hv_has_prefix(s->last_change, "shutdown") != rows[i].is_done)
                        fail_msg("%s: %d, %s; %s", rows[i].what, r.code, s->last_change, hv_buf_str(&r.out));
                run_done(&r);
        }
}

static int interrupt_when_it_waits(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;

        (void) so_far;
        (void) userdata;
        hv_http_server_stats(s->server, &stats);
        return stats.streams > 0 ? SIGINT : 0;
}

static void an_interrupt_ends_it(void **state) {
        static const char *const rows[] = { "wait", "events -f" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct run r;

                stage_break_web(s);
                r = run(s, rows[i], &(struct run_options){ .each_turn = interrupt_when_it_waits });
                assert_int_equal(r.code, 130);
                assert_int_equal(r.err.len, 0);
                run_done(&r);
        }
}

static void heal(struct stage *s) {
        for (size_t i = 0; i < s->status.n_unit_status; i++) {
                s->units[i].in_sync = s->units[i].ready = true;
                s->units[i].phase = HV_PHASE_RUNNING;
                s->units[i].reason = HV_REASON_SYNCED;
        }
        s->status.synced = true;
        s->status.n_units_in_sync = s->status.n_units;
        stage_changed(s);
}

/* In the very turn in which the object was looked at: the client hears of it while it still waits for that answer. */
static int heal_when_it_looks(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;
        bool *healed = userdata;

        (void) so_far;
        hv_http_server_stats(s->server, &stats);
        if (stats.requests >= 2 && !*healed) {
                *healed = true;
                heal(s);
        }
        return 0;
}

static void a_change_during_a_look_is_not_missed(void **state) {
        (void) state;
        for (unsigned i = 0; i < 10; i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                bool healed = false;
                struct run r;

                stage_break_web(s);
                r = run(s, "wait svc/web",
                        &(struct run_options){ .each_turn = heal_when_it_looks, .userdata = &healed });
                assert_int_equal(r.code, 0);
                run_done(&r);
        }
}

/* Once somebody waits, the node comes into sync. */
static int heal_when_it_waits(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;
        bool *healed = userdata;

        (void) so_far;
        hv_http_server_stats(s->server, &stats);
        if (stats.streams == 0 || *healed)
                return 0;
        *healed = true;
        heal(s);
        return 0;
}

static void waiting_ends_by_event(void **state) {
        static const char *const rows[] = { "wait", "wait svc/web", "apply --wait",
                                            "wait --for ready service/proxy" };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                bool healed = false;
                struct run r;

                stage_break_web(s);
                r = run(s, rows[i],
                        &(struct run_options){ .each_turn = heal_when_it_waits, .userdata = &healed });
                if (r.code != 0 || !healed)
                        fail_msg("hivectl %s: %d %s", rows[i], r.code, hv_buf_str(&r.err));
                run_done(&r);
        }
}

static void on_drained(void *userdata) {
        (void) userdata;
}

struct end {
        bool in_order, is_over;
};

/* Once somebody waits, the agent ends. */
static int end_when_it_waits(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats = {};
        struct end *end = userdata;

        (void) so_far;
        if (!end->is_over)
                hv_http_server_stats(s->server, &stats);
        if (stats.streams == 0)
                return 0;
        if (end->in_order)
                hv_http_server_drain(s->server, HV_USEC_PER_MIN, on_drained, NULL);
        else
                s->server = hv_http_server_free(s->server);
        end->is_over = true;
        return 0;
}

static void an_agent_that_ends_is_told(void **state) {
        static const struct {
                const char *words, *said;
        } rows[] = {
                { "wait", "the agent ended while it was waited for" },
                { "wait svc/web", "the agent ended while it was waited for" },
                { "preload big:1 --wait", "the agent ended, and has forgotten what it was asked for" },
                { "events -f", "the agent has ended" },
        };

        (void) state;
        for (size_t i = 0; i < 2 * HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct end end = { .in_order = i % 2 };
                const char *words = rows[i / 2].words, *said = rows[i / 2].said;
                struct run r;

                stage_break_web(s);
                asked_images_take_long(s);
                r = run(s, words, &(struct run_options){ .each_turn = end_when_it_waits, .userdata = &end });
                if (!end.in_order)
                        said = "the connection to the agent broke";
                if (r.code != 7 || !strstr(hv_buf_str(&r.err), said))
                        fail_msg("hivectl %s: %d %s", words, r.code, hv_buf_str(&r.err));
                run_done(&r);
        }
}

/* Takes each request, and is gone before it has said anything. Whoever hangs up before it came is one who cannot be reached. */
static void hang_up_on(int listener) {
        char request[4096];

        for (;;) {
                int s = accept(listener, NULL, NULL);

                (void) !recv(s, request, sizeof request, 0);
                (void) close(s);
        }
}

static void an_agent_that_hangs_up_is_gone(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t agent;
        char words[160];
        struct run r;

        (void) state;
        (void) snprintf(sa.sun_path, sizeof sa.sun_path, "%.100s.2", s->socket);
        assert_int_equal(bind(listener, (struct sockaddr *) &sa, sizeof sa), 0);
        assert_int_equal(listen(listener, 4), 0);
        (void) snprintf(words, sizeof words, "status --socket %s", sa.sun_path);
        agent = fork();
        if (agent == 0)
                hang_up_on(listener);
        (void) close(listener);
        r = run(s, words, NULL);
        assert_int_equal(kill(agent, SIGKILL), 0);
        assert_int_equal(waitpid(agent, NULL, 0), agent);
        if (r.code != 7 || !strstr(hv_buf_str(&r.err), "the connection to the agent broke"))
                fail_msg("%d %s", r.code, hv_buf_str(&r.err));
        run_done(&r);
        (void) unlink(sa.sun_path);
}

/* What a service can be called, where one service is changed; and what is none. */
static void a_service_is_named_in_each_way(void **state) {
        static const char *const verbs[] = { "rollout undo", "update --image nginx:2" };
        static const struct {
                const char *name;
                int code;
                const char *said;
        } rows[] = {
                { "web", 0, NULL },
                { "svc/web", 0, NULL },
                { "service/web", 0, NULL },
                { "svc web", 0, NULL },
                { "services web", 0, NULL },
                { "", 64, "what? For example: hivectl " },
                { "node", 64, "a node cannot be meant here" },
                { "web/2", 64, "a whole service can be meant here, and nothing else" },
                { "svc/web/2", 64, "a whole service can be meant here, and nothing else" },
                { "web/x", 64, "x: a replica is a number from 1 on" },
                { "net/backend", 64, "a whole service can be meant here, and nothing else" },
                { "net backend", 64, "a whole service can be meant here, and nothing else" },
        };

        (void) state;
        for (size_t v = 0; v < HV_ARRAY_SIZE(verbs); v++)
                for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                        _hv_cleanup_free_ char *words = hv_asprintf("%s %s", verbs[v], rows[i].name);
                        struct run r = run(s, words, NULL);

                        if (r.code != rows[i].code || s->n_changes != (rows[i].code == 0) ||
                            (rows[i].said && !strstr(hv_buf_str(&r.err), rows[i].said)) ||
                            (rows[i].code == 0 && !strstr(s->last_change, "web")))
                                fail_msg("hivectl %s: %d %s; %s", words, r.code, hv_buf_str(&r.err),
                                         s->last_change);
                        run_done(&r);
                }
}

/* Once somebody waits, the image is there. */
static int bring_when_it_waits(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;
        bool *brought = userdata;

        (void) so_far;
        hv_http_server_stats(s->server, &stats);
        if (stats.streams == 0 || *brought)
                return 0;
        *brought = true;
        asked_images_end(s);
        stage_changed(s);
        return 0;
}

static void an_image_is_waited_for_by_event(void **state) {
        static const struct hv_api_preload pulled = { .image = "docker.io/library/redis:7",
                                                      .by = "ana",
                                                      .phase = HV_API_PRELOAD_PULLING,
                                                      .message = "" };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        bool brought = false;
        struct run r;

        (void) state;
        s->preloads = (struct hv_api_preloads){ &pulled, 1 };
        r = run(s, "preload redis:7 --wait",
                &(struct run_options){ .each_turn = bring_when_it_waits, .userdata = &brought });
        if (r.code != 0 || !brought)
                fail_msg("%d %s", r.code, hv_buf_str(&r.err));
        assert_string_equal(s->last_change, "preload redis:7");
        run_done(&r);
}

static int speak_then_interrupt(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;
        bool *spoken = userdata;

        hv_http_server_stats(s->server, &stats);
        if (stats.streams > 0 && !*spoken) {
                *spoken = true;
                stage_event(s, "Service", "db", "not asked for");
                stage_event(s, "Service", "web", "started \033[31mhive-web");
        }
        return strstr(hv_buf_str(&so_far->out), "hive-web") ? SIGINT : 0;
}

/* Two rounds: first all, then what changed, and nothing else. */
static int break_then_interrupt(struct stage *s, const struct run *so_far, void *userdata) {
        struct hv_http_stats stats;
        bool *broken = userdata;
        const char *first = strstr(hv_buf_str(&so_far->out), "web\t");

        hv_http_server_stats(s->server, &stats);
        if (stats.streams > 0 && first && !*broken) {
                *broken = true;
                stage_break_web(s);
        }
        return first && strstr(first + 1, "web\t") ? SIGINT : 0;
}

static void what_changes_is_watched(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        bool broken = false;
        struct run r = run(s, "get svc --watch",
                           &(struct run_options){ .each_turn = break_then_interrupt, .userdata = &broken });
        const char *text = hv_buf_str(&r.out), *second;

        (void) state;
        assert_int_equal(r.code, 130);
        assert_true(hv_has_prefix(text, "NAME\t"));
        second = strstr(strstr(text, "\nweb\t") + 1, "\nweb\t");
        assert_non_null(strstr(second, "PullFailed"));
        assert_null(strstr(text + 1, "NAME\t"));                   /* once */
        assert_null(strstr(strstr(text, "\ndb\t") + 1, "\ndb\t")); /* it did not change */
        run_done(&r);
}

static void long_output_goes_through_the_pager(void **state) {
        static const struct {
                const char *what, *words, *pager;
                unsigned columns;
                bool is_paged;
        } rows[] = {
                { "on a terminal", "get services", "PAGER=sed s/^/P:/", 80, true },
                { "help too", "help apply", "PAGER=sed s/^/P:/", 80, true },
                { "ours is first", "get services", "HIVELET_PAGER=sed s/^/P:/", 80, true },
                { "not into a pipe", "get services", "PAGER=sed s/^/P:/", 0, false },
                { "not when it is not wanted", "get services --no-pager", "PAGER=sed s/^/P:/", 80, false },
                { "cat is none", "get services", "PAGER=cat", 80, false },
                { "status is short", "status", "PAGER=sed s/^/P:/", 80, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                const char *const environment[] = { rows[i].pager, NULL };
                struct run r =
                        run(s, rows[i].words,
                            &(struct run_options){ .environment = environment, .columns = rows[i].columns });

                if (r.code != 0 || (strstr(hv_buf_str(&r.out), "P:") != NULL) != rows[i].is_paged ||
                    r.out.len == 0)
                        fail_msg("%s: %d %s", rows[i].what, r.code, hv_buf_str(&r.out));
                run_done(&r);
        }
}

static void events_are_followed(void **state) {
        static const struct {
                const char *words;
                unsigned columns;
                const char *seen;
        } rows[] = {
                { "events -f service/web", 0, "ContainerStarted service/web: started \033[31mhive-web" },
                { "events --follow svc web", 100, "ContainerStarted service/web: started \\x1b[31mhive-web" },
                { "events -f svc/web -o json", 0, "\"event\":\"ContainerStarted\"" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                bool spoken = false;
                struct run r = run(s, rows[i].words,
                                   &(struct run_options){ .columns = rows[i].columns,
                                                          .each_turn = speak_then_interrupt,
                                                          .userdata = &spoken });

                assert_int_equal(r.code, 130);
                if (!strstr(hv_buf_str(&r.out), rows[i].seen) || strstr(hv_buf_str(&r.out), "not asked for"))
                        fail_msg("hivectl %s: %s", rows[i].words, hv_buf_str(&r.out));
                run_done(&r);
        }
}

static int end_the_log(struct stage *s, const struct run *so_far, void *userdata) {
        bool *ended = userdata;

        if (!*ended && s->open_log && strstr(hv_buf_str(&so_far->out), "200")) {
                *ended = true;
                stage_end_log(s, 0);
        }
        return 0;
}

static void logs_are_followed_to_the_end_of_the_container(void **state) {
        static const struct {
                unsigned columns;
                const char *seen;
        } rows[] = {
                { 0, "\033[2J\033]8;;http://evil\007GET / 200\xff\r\n" },
                { 100,
                  "\\x1b[2J\\x1b]8;;http://evil\\x07GET / 200\\xff\r\n" }, /* the \r is the terminal's own */
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                bool ended = false;
                struct run r;

                s->log_text = "\033[2J\033]8;;http://evil\007GET / 200\xff\r\n";
                s->log_stays_open = true;
                r = run(s, "logs db -f",
                        &(struct run_options){
                                .columns = rows[i].columns, .each_turn = end_the_log, .userdata = &ended });
                assert_int_equal(r.code, 0);
                assert_string_equal(hv_buf_str(&r.out), rows[i].seen);
                run_done(&r);
        }
}

static void standard_input_is_a_file(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct run r = run(s, "apply -f -", &(struct run_options){ .input = "kind: Service\n" });

        (void) state;
        assert_int_equal(r.code, 0);
        assert_non_null(strstr(s->last_change, "file=- path=0 text=kind: Service\n"));
        run_done(&r);
        r = run(s, "apply -f -", &(struct run_options){ .columns = 80 });
        assert_int_equal(r.code, 1);
        assert_non_null(strstr(hv_buf_str(&r.out), "standard input is a terminal"));
        run_done(&r);
        r = run(NULL, "validate -",
                &(struct run_options){ .input = "kind: Servce\napiVersion: hivelet/v1\n" });
        assert_int_equal(r.code, 1);
        assert_non_null(strstr(hv_buf_str(&r.out), "-:1:7: error[E0102]"));
        run_done(&r);
}

static void the_socket_is_chosen_by_option_then_environment(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char words[120];
        struct run r;

        (void) state;
        (void) snprintf(words, sizeof words, "status --socket %s", s->socket);
        r = run(s, words,
                &(struct run_options){ .environment =
                                               (const char *const[]){ "HIVELET_SOCKET=/nowhere", NULL } });
        assert_int_equal(r.code, 0);
        run_done(&r);
        r = run(s, "status --socket=/nowhere", NULL);
        assert_int_equal(r.code, 7);
        run_done(&r);
}

static void run_makes_a_document(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        struct run r;

        (void) state;
        stage_tasks(s);
        s->task_id = "train-1";
        r = run(s,
                "run docker.io/library/python:3.12 --name sieve --memory 2Gi --cpu 500m --timeout 90s --network backend "
                "-e A=1=2 --input " TASK
                ":in/task.yaml --input https://example.org/a:b -- python -c 'print(1)'",
                NULL);
        assert_int_equal(r.code, 0);
        assert_non_null(strstr(
                s->last_change,
                "file=command line text={\"apiVersion\":\"hivelet/v1\",\"kind\":\"Task\",\"metadata\":{\"name\":"
                "\"sieve\"},\"spec\":{\"image\":\"docker.io/library/python:3.12\",\"args\":[\"python\",\"-c\","
                "\"print(1)\"],\"env\":[{\"name\":\"A\",\"value\":\"1=2\"}],\"inputs\":[{\"path\":\"in/task.yaml\","
                "\"inline\":\"apiVersion: hivelet/v1\\nkind: Task"));
        assert_non_null(strstr(s->last_change,
                               "{\"path\":\"b\",\"url\":\"https://example.org/a\"}],\"network\":"
                               "\"backend\",\"timeout\":\"1m30s\",\"resources\":{\"requests\":"
                               "{\"cpu\":\"500m\",\"memory\":\"2Gi\"},\"limits\":"));
        assert_true(hv_has_prefix(s->last_change, "submit id=t-")); /* anew each time */
        run_done(&r);
        r = run(s, "run Some/Image_X@sha256:00", NULL);
        assert_non_null(strstr(s->last_change, "\"name\":\"image-x\""));
        run_done(&r);
}

static void put_text(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* What a list of files may say that it must not say. */
static void results_stay_in_their_directory(void **state) {
        static const struct {
                const char *from, *to, *err;
        } rows[] = {
                { "results/out.txt", "../out.txt", "the name holds \"..\"" },
                { "results/out.txt", "/tmp/out.txt", "the name " },
                { "results/out.txt", "link/out.txt", "cannot be made" },
                { "2185e44c", "2185e44d", "expected 2185e44d" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        char manifest[128], dir[96], words[160], path[160], text[4096] = "";
        struct run r;
        FILE *f;

        (void) state;
        stage_tasks(s);
        (void) snprintf(dir, sizeof dir, "%s/out", s->dir);
        (void) snprintf(words, sizeof words, "task results sieve-0a1b2c3d -o %s", dir);
        r = run(s, words, NULL);
        assert_int_equal(r.code, 0);
        assert_non_null(strstr(hv_buf_str(&r.err), "2 files in "));
        run_done(&r);
        (void) snprintf(path, sizeof path, "%s/results/out.txt", dir);
        f = fopen(path, "re");
        assert_non_null(f);
        assert_non_null(fgets(text, sizeof text, f));
        (void) fclose(f);
        assert_string_equal(text, "2 3 5 7");
        r = run(s, words, NULL); /* nothing is overwritten */
        assert_int_equal(r.code, 1);
        assert_non_null(strstr(hv_buf_str(&r.err), "cannot be made: File exists"));
        run_done(&r);

        (void) snprintf(manifest, sizeof manifest, "%s/sieve-0a1b2c3d/1/manifest.json", s->results);
        f = fopen(manifest, "re");
        assert_non_null(f);
        assert_non_null(fgets(text, sizeof text, f));
        (void) fclose(f);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                char changed[4096], *at = strstr(text, rows[i].from);

                (void) snprintf(changed, sizeof changed, "%.*s%s%s", (int) (at - text), text, rows[i].to,
                                at + strlen(rows[i].from));
                put_text(manifest, changed);
                (void) snprintf(dir, sizeof dir, "%s/out%zu", s->dir, i);
                assert_int_equal(mkdir(dir, 0700), 0);
                (void) snprintf(path, sizeof path, "%s/link", dir);
                assert_int_equal(symlink(s->dir, path), 0);
                (void) snprintf(words, sizeof words, "task results sieve-0a1b2c3d -o %s", dir);
                r = run(s, words, NULL);
                assert_int_equal(r.code, 1);
                if (!strstr(hv_buf_str(&r.err), rows[i].err))
                        fail_msg("%s: %s", rows[i].to, hv_buf_str(&r.err));
                (void) snprintf(path, sizeof path, "%s/out.txt", s->dir);
                assert_int_not_equal(access(path, F_OK), 0);
                run_done(&r);
        }
}

static int end_the_task(struct stage *s, const struct run *so_far, void *userdata) {
        unsigned *step = userdata;

        if (*step == 0 && s->open_log && strstr(hv_buf_str(&so_far->out), "2 3 5 7\n")) {
                *step = 1;
                s->n_live = 0;
                stage_end_log(s, 0);
                stage_changed(s);
        }
        return 0;
}

/* What it writes comes while it runs; its end ends the waiting. */
static void a_task_is_followed_to_its_end(void **state) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        unsigned step = 0;
        const struct run_options options = { .each_turn = end_the_task, .userdata = &step };
        struct run r;

        (void) state;
        stage_tasks(s);
        s->live[0].id = "sieve-0a1b2c3d";
        s->task_id = "sieve-0a1b2c3d";
        s->log_text = "2 3 5 7\n";
        s->log_stays_open = true;
        r = run(s, "run -f " TASK " --follow", &options);
        assert_int_equal(step, 1);
        assert_int_equal(r.code, 0);
        assert_string_equal(hv_buf_str(&r.out), "2 3 5 7\n");
        run_done(&r);
}

static void ids_of_tasks_are_completed(void **state) {
        static const struct {
                const char *words, *out;
        } rows[] = {
                { "__complete -- tas", "task\tmore commands\n" },
                { "__complete -- task ls -o cus", "custom-columns=\t\n" },
                { "__complete -- explain service/we", "service/web\tRunning\n" },
                { "__complete -- task lo", "logs\twhat a task wrote, or writes\n" },
                { "__complete -- task logs tr", "train-1\tRunning\n" },
                { "__complete -- task stop big", "big-1\tQueued\n" },
                { "__complete -- describe task/tr", "task/train-1\tRunning\n" },
                { "__complete -- task stop --rea", "--reason\twhy; it is recorded\n" },
                { "__complete -- task results x -o ''", ":file\n" },
                { "__complete -- ps tr", "train-1\tRunning\n" },
                { "__complete -- inspect task/tr", "task/train-1\tRunning\n" },
                { "__complete -- ps -o cus", "custom-columns=\t\n" },
                { "__complete -- help task rec", "receipt\tthe signed receipt of a task that ended\n" },
        };
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();

        (void) state;
        stage_tasks(s);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct run r = run(s, rows[i].words, NULL);

                assert_string_equal(hv_buf_str(&r.out), rows[i].out);
                run_done(&r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_line_does_what_it_says),
                cmocka_unit_test(run_makes_a_document),
                cmocka_unit_test(results_stay_in_their_directory),
                cmocka_unit_test(a_task_is_followed_to_its_end),
                cmocka_unit_test(ids_of_tasks_are_completed),
                cmocka_unit_test(what_goes_on_ends_with_its_time),
                cmocka_unit_test(without_an_agent_the_code_is_7),
                cmocka_unit_test(a_reader_that_leaves_ends_it_in_silence),
                cmocka_unit_test(a_shutdown_is_asked_about),
                cmocka_unit_test(an_interrupt_ends_it),
                cmocka_unit_test(waiting_ends_by_event),
                cmocka_unit_test(an_image_is_waited_for_by_event),
                cmocka_unit_test(an_agent_that_ends_is_told),
                cmocka_unit_test(an_agent_that_hangs_up_is_gone),
                cmocka_unit_test(a_service_is_named_in_each_way),
                cmocka_unit_test(a_change_during_a_look_is_not_missed),
                cmocka_unit_test(events_are_followed),
                cmocka_unit_test(what_changes_is_watched),
                cmocka_unit_test(long_output_goes_through_the_pager),
                cmocka_unit_test(logs_are_followed_to_the_end_of_the_container),
                cmocka_unit_test(standard_input_is_a_file),
                cmocka_unit_test(the_socket_is_chosen_by_option_then_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
