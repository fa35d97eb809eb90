/* task_bed.c - see task_bed.h. */
#include "task_bed.h"

struct hv_task *task_of(const struct job *j) {
        struct hv_arena *a = hv_arena_new();
        struct hv_task *t = HV_ARENA_NEW(a, struct hv_task);
        uint64_t memory = j->memory ? j->memory : GIB;

        *t = (struct hv_task){
                .arena = a,
                .n_refs = 1,
                .source = j->source,
                .name = hv_arena_strdup(a, j->id),
                .id = hv_arena_strdup(a, j->id),
                .document = "{}",
                .timeout_us = j->timeout ? j->timeout : HV_TIME_NEVER,
                .retry_limit = j->retries,
                .retry_on = j->retry_on,
                .retry_backoff_us = 10 * S,
                .checkpoint_code = j->checkpoint ? j->checkpoint : -1,
                .priority = j->priority,
                .wait_for_resources_us = j->wait ? j->wait : HV_TIME_NEVER,
                .booking = { .nano_cpus = CPU,
                             .memory_bytes = memory,
                             .n_gpus = j->n_gpus,
                             .gpu_memory_bytes = j->gpu_memory },
                .unit = { .kind = HV_KIND_TASK,
                          .object = t->id,
                          .replica = 1,
                          .image = "img:1",
                          .n_gpus = j->n_gpus,
                          .gpu_memory_bytes = j->gpu_memory,
                          .restart = HV_RESTART_NEVER,
                          .network_mode = "none",
                          .stop_signal = "SIGTERM",
                          .stop_grace_us = 10 * S,
                          .limits = { .nano_cpus = CPU, .memory_bytes = memory, .pids = 1024 },
                          .backoff = { .initial_us = S,
                                       .factor_milli = 2000,
                                       .max_us = 120 * S,
                                       .reset_after_us = 600 * S } },
        };
        t->unit.object = t->id;
        t->unit.key = hv_arena_printf(a, "task/%s/1", t->id);
        t->unit.container = hv_arena_printf(a, "task-%s", t->id);
        (void) snprintf(t->unit.digest, sizeof t->unit.digest, "u-%s", t->id);
        (void) snprintf(t->digest, sizeof t->digest, "t-%s", t->id);
        return t;
}

void machine(struct bed *b, unsigned n_cpus, uint64_t memory) {
        struct hv_room room = { .nano_cpus = n_cpus * CPU, .memory_bytes = memory, .n_gpus = 2 };

        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_MACHINE, .machine = &room },
                                       NULL),
                         0);
}

void known(struct bed *b) {
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_CLOCK, .wall_us = b->now_us },
                                       NULL),
                         0);
        assert_int_equal(
                hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_TASKS_KNOWN }, NULL),
                0);
}

int submit(struct bed *b, const struct job *j) {
        struct job api = *j;
        struct hv_task *t;
        int r;

        if (api.source != HV_TASK_FROM_POOL)
                api.source = HV_TASK_FROM_API;
        t = task_of(&api);
        r = hv_core_input(b->core, b->now_us, &(struct hv_input){ .type = HV_INPUT_TASK_SUBMIT, .task = t },
                          NULL);
        hv_task_unref(t);
        return r;
}

int ask(struct bed *b, enum hv_input_type type, const char *id) {
        return hv_core_input(b->core, b->now_us,
                             &(struct hv_input){ .type = type, .text = id, .message = "ana" }, NULL);
}

struct hv_task_status status_of(struct bed *b, const char *id) {
        struct hv_task_status s;

        if (!hv_core_task_status(b->core, id, b->now_us, b->arena, &s))
                fail_msg("task %s is not known", id);
        return s;
}

void ends(struct bed *b, const char *container, int exit_code) {
        struct hv_seen_container *k = bed_container(b, container);

        assert_non_null(k);
        k->state = HV_CONTAINER_EXITED;
        k->exit_code = exit_code;
        k->finished_us = b->now_us;
        bed_event(b, "die", container);
        bed_run(b);
}

/* Answers the one action of this type, and plans again. */
void answer(struct bed *b, enum hv_action_type type, enum hv_outcome outcome) {
        for (size_t i = 0; i < b->held.n; i++)
                if (b->held.v[i]->type == type) {
                        bed_answer(b, b->held.v[i], outcome);
                        bed_run(b);
                        return;
                }
        fail_msg("nobody asked to %s", hv_action_name(type));
}

/* ---- the bed with an empty node ---- */

int task_bed_setup(void **state) {
        struct bed *b = *state = bed_new();

        machine(b, 4, 8 * GIB);
        known(b);
        bed_desire(b, desire("r1", (struct wish[]){ {} }));
        bed_run(b);
        (void) bed_log_all(b);
        return 0;
}

int task_bed_teardown(void **state) {
        bed_free(*state);
        return 0;
}

void recall(struct bed *b, const struct job *j, struct hv_task_recalled r) {
        struct hv_task *t = task_of(j);

        t->refused = j->refused;
        r.id = t->id;
        r.name = t->name;
        r.source = t->source;
        r.digest = t->digest;
        r.task = hv_task_state_is_end(r.state) ? NULL : t;
        if (r.attempt && !r.begun_wall_us) /* else as it says: begun_us 0 is another boot */
                r.begun_us = r.begun_wall_us = b->now_us;
        assert_int_equal(hv_core_input(b->core, b->now_us,
                                       &(struct hv_input){ .type = HV_INPUT_TASK_RECALL, .recalled = &r },
                                       NULL),
                         0);
        hv_task_unref(t);
}

/* A core that was started anew, beside what the engine holds and the ledger says. */
struct bed *again(void **state) {
        struct bed *b;

        bed_free(*state);
        b = *state = bed_new();
        machine(b, 4, 8 * GIB);
        return b;
}

void go(struct bed *b) {
        known(b);
        bed_desire(b, desire("r1", (struct wish[]){ {} }));
        bed_run(b);
}

struct hv_seen_container *task_container(struct bed *b, const char *id, enum hv_container_state s) {
        struct hv_seen_container *k = bed_add(b, hv_arena_printf(b->arena, "task-%s", id), true, s);

        k->kind = "task";
        k->object = id;
        k->digest = hv_arena_printf(b->arena, "u-%s", id);
        k->limits = (struct hv_limits){ .nano_cpus = CPU, .memory_bytes = GIB, .pids = 1024 };
        k->never_ran = s == HV_CONTAINER_CREATED;
        return k;
}

const struct job api_t1 = { .id = "t1", .source = HV_TASK_FROM_API };

void rename_to(struct bed *b, const char *container, const char *name) {
        struct hv_seen_container *k = bed_container(b, container);

        k->name = hv_arena_strdup(b->arena, name);
        bed_event(b, "rename", name);
        bed_run(b);
}
