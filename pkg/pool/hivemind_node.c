/* pool/hivemind_node.c - see hivemind.h. */
#include "pool/hivemind.h"

#include "spec/value_net.h"

#define GIB_SHIFT 30
#define PERCENT_MAX 100.0

static char *text(const char *s) {
        return (char *) (s ? s : ""); /* protobuf-c takes what it only reads without const */
}

/* SEEN: a node that says 0 bytes of these is skipped like any other that is too small; never less than none. */
static int32_t whole_gib(uint64_t bytes) {
        return (int32_t) HV_MIN(bytes >> GIB_SHIFT, (uint64_t) INT32_MAX);
}

static char *docker_status(const struct hv_pool_node *node) {
        return text(node->engine_available ? "available"
                                           : "unavailable"); /* "disabled" would mean low trust */
}

/* --- registration --- */

static void on_registered(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                          const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) p;
        hivemind_judge_ack(a, reply, HV_POOL_OUTCOME_REFUSED, "RegisterWorkerNode", arena);
        caller->done(caller->data, a);
}

/* SEEN: a node that gives no address, or the loopback's, is registered and then never called. (Another one of 127.0.0.0/8 is
 * somebody's intent: a pool on this very machine.) */
static bool can_be_dialled(const char *address) {
        static const char *const nobodys[] = { "127.0.0.1", "::1", "localhost" };
        struct hv_address a;

        if (hv_str_empty(address) || (hv_address_parse(address, &a) && hv_address_is_any(&a)))
                return false;
        for (size_t i = 0; i < HV_ARRAY_SIZE(nobodys); i++)
                if (hv_streq(address, nobodys[i]))
                        return false;
        return true;
}

void hivemind_enrol(struct hv_pool_peer *p, const struct hv_pool_node *node, hv_answer_fn *done,
                    void *done_data) {
        const struct hivemind_caller caller = { .done = done, .data = done_data };
        Hivemind__RegisterWorkerNodeRequest m = HIVEMIND__REGISTER_WORKER_NODE_REQUEST__INIT;
        uint64_t gpu_memory_bytes = 0;

        if (!can_be_dialled(node->address)) {
                hivemind_answer_later(
                        p,
                        &(struct hv_answer){ .outcome = HV_POOL_OUTCOME_REFUSED,
                                             .message = "this node has no address that the pool would dial: "
                                                        "bring the tunnel up, or set master.advertise" },
                        &caller);
                return;
        }
        for (size_t i = 0; i < node->n_gpus; i++)
                gpu_memory_bytes += node->gpus[i].memory_bytes;
        m.node_id = text(hivemind_node_id(p));
        m.hostname = text(node->address);
        m.cpu_cores = (int32_t) node->n_cpus;
        m.memory_gb = whole_gib(node->total.memory_bytes);
        m.cpu_score = node->cpu_score;
        m.gpu_score = node->gpu_score;
        m.gpu_memory_gb = whole_gib(gpu_memory_bytes);
        m.location = text(node->location);
        m.port = hv_rpc_server_port(p->server);
        m.gpu_name = text(node->n_gpus ? node->gpus[0].name : NULL);
        m.docker_status = docker_status(node);
        hivemind_call_start(p,
                            &(struct hivemind_request){ .method = "NodeManagerService/RegisterWorkerNode",
                                                        .message = &m.base },
                            on_registered, &caller);
}

/* --- usage --- */

static void on_used(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                    const ProtobufCMessage *reply) {
        (void) caller;
        (void) reply; /* of a task that the pool does not know (any more) it says no: so it is */
        p->with.sink->heard(p->with.sink_data, a->outcome, a->answered, a->message);
}

static float percent(double value) {
        return (float) HV_MIN(HV_MAX(value, 0.0), PERCENT_MAX); /* below: not known */
}

static void tell_usage(struct hv_pool_peer *p, Hivemind__TaskUsageRequest *m) {
        hivemind_call_start(
                p, &(struct hivemind_request){ .method = "WorkerNodeService/TaskUsage", .message = &m->base },
                on_used, &(struct hivemind_caller){});
}

static void tell_node_usage(struct hv_pool_peer *p, const struct hv_pool_node *node) {
        Hivemind__TaskUsageRequest m = HIVEMIND__TASK_USAGE_REQUEST__INIT;

        m.task_id = text("0");
        m.cpu_usage = percent(node->cpu_percent);
        m.memory_usage = percent(node->memory_percent);
        m.gpu_usage = percent(node->gpu_percent);
        m.token = text(hivemind_node_id(p)); /* SEEN: of the node "0" this field is the node's id */
        tell_usage(p, &m);
}

static void tell_task_usage(struct hv_pool_peer *p, const struct hv_pool_task *t) {
        Hivemind__TaskUsageRequest m = HIVEMIND__TASK_USAGE_REQUEST__INIT;

        m.task_id = text(t->id);
        m.cpu_usage = percent(t->cpu_percent);
        m.memory_usage = percent(t->memory_percent);
        m.gpu_usage = percent(t->gpu_percent);
        m.gpu_memory_usage = percent(t->gpu_memory_percent);
        if (p->token)
                m.token = (char *) hv_secret_bytes(p->token);
        tell_usage(p, &m);
}

static bool is_measured(const struct hv_pool_task *t) {
        return hv_streq(t->state, "Running") && (t->cpu_percent >= 0 || t->memory_percent >= 0 ||
                                                 t->gpu_percent >= 0 || t->gpu_memory_percent >= 0);
}

static void tell_all_usage(struct hv_pool_peer *p, const struct hv_pool_node *node) {
        uint64_t now = hivemind_now_us(p);

        if (hivemind_dues_take(&p->dues, HIVEMIND_DUE_USAGE, now))
                tell_node_usage(p, node);
        if (!hivemind_dues_take(&p->dues, HIVEMIND_DUE_TASK_USAGE, now))
                return;
        for (size_t i = 0; i < node->n_tasks; i++)
                if (is_measured(&node->tasks[i]))
                        tell_task_usage(p, &node->tasks[i]);
}

/* --- beat --- */

static void on_beaten(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                      const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) p;
        hivemind_judge_ack(a, reply, HV_POOL_OUTCOME_REREGISTER, "ReportStatus", arena);
        caller->done(caller->data, a);
}

void hivemind_beat(struct hv_pool_peer *p, const struct hv_pool_node *node, hv_answer_fn *done,
                   void *done_data) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        Hivemind__ReportStatusRequest m = HIVEMIND__REPORT_STATUS_REQUEST__INIT;

        /* Exactly these words: the pool gives tasks to "Idle" only, and has more patience with "Running". */
        m.status = node->n_tasks       ? hv_arena_printf(arena, "Running %zu tasks", node->n_tasks)
                   : node->is_cordoned ? text("Cordoned")
                                       : text("Idle");
        m.node_id = text(hivemind_node_id(p));
        m.cpu_usage = percent(node->cpu_percent);
        m.memory_usage = percent(node->memory_percent);
        m.gpu_usage = percent(node->gpu_percent);
        m.docker_status = docker_status(node);
        m.running_tasks = (int32_t) node->n_tasks;
        hivemind_call_start(
                p,
                &(struct hivemind_request){ .method = "NodeManagerService/ReportStatus", .message = &m.base },
                on_beaten, &(struct hivemind_caller){ .done = done, .data = done_data });
        tell_all_usage(p, node);
        hivemind_ask_balance(p);
        hivemind_forget_idle_tasks(p);
}
