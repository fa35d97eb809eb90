/* cron.c - see cron.h. */
#include "sim/cron.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "base/zone.h"
#include "reconcile/cron.h"
#include "sim/agent.h"
#include "sim/attempt.h"
#include "sim/desk.h"
#include "sim/ledger.h"
#include "sim/oracle_cron.h"
#include "sim/sim.h"
#include "sim/workload.h"
#include "spec/load.h"
#include "spec/yaml.h"

static uint64_t below(struct sim *s, uint64_t bound) {
        return sim_below(s, SIM_CHANCE_CRON, bound);
}

static bool chance(struct sim *s, unsigned permille) {
        return sim_chance(s, SIM_CHANCE_CRON, permille);
}

const char *sim_cron_name(unsigned index) {
        static const char *const names[SIM_N_CRONS] = { "nightly", "often", "sync" };

        return names[index];
}

/* A history that begins less than 40 minutes before some clock is changed. */
static void move_near_a_change(struct sim *s) {
        unsigned zone = 1 + (unsigned) below(s, SIM_N_ZONES - 1);
        uint64_t at_us;

        if (sim_zone_change(zone, (unsigned) below(s, 2), &at_us))
                s->desk->wall_offset_us += at_us - below(s, 40 * HV_USEC_PER_MIN) - sim_wall_us(s);
}

struct sim_crons *sim_crons_new(struct sim *s) {
        struct sim_crons *c = s->crons = HV_ARENA_NEW(s->arena, struct sim_crons);

        c->n = (unsigned) SIM_N_CRONS >> s->config->workload_shift;
        c->wanted = s->config->scenario ? true : s->desk->wants_tasks && c->n > 0 && chance(s, 300);
        if (c->wanted && !s->config->scenario && chance(s, 700))
                move_near_a_change(s);
        return c;
}

void sim_crons_done(struct sim_crons *c) {
        for (size_t i = 0; i < c->records.n; i++)
                hv_vec_done(&c->records.v[i]->asked);
        for (size_t i = 0; i < c->read.n; i++)
                hv_desired_unref(c->read.v[i]);
        for (size_t i = 0; i < c->retired.n; i++)
                hv_task_unref(c->retired.v[i]);
        hv_vec_done(&c->read);
        free(c->read_text);
        hv_vec_done(&c->retired);
        hv_vec_done(&c->records);
        hv_vec_done(&c->requests);
        hv_vec_done(&c->made);
}

/* ---- what is wanted ---- */

struct sim_cron sim_cron_draw(struct sim *s) {
        static const uint64_t deadlines_s[] = { 0, 0, 90, 600, 7200 };
        static const uint64_t jitters_s[] = { 0, 0, 0, 20, 150 };
        struct sim_cron c = {
                .there = true,
                .schedule = (unsigned) below(s, SIM_N_SCHEDULES),
                .zone = (unsigned) below(s, SIM_N_ZONES),
                .concurrency = (enum hv_cron_concurrency) below(s, 3),
                .missed = (enum hv_cron_missed) below(s, 3),
                .deadline_s = deadlines_s[below(s, HV_ARRAY_SIZE(deadlines_s))],
                .jitter_s = jitters_s[below(s, HV_ARRAY_SIZE(jitters_s))],
                .keep_success = (unsigned) below(s, 4),
                .keep_failed = (unsigned) below(s, 3),
                .job = sim_job_draw(s, SIM_N_JOBS),
        };

        /* A night's sleep of a schedule of minutes is a thousand runs: so many nobody wants made up for. */
        if (c.missed == HV_CRON_RUN_ALL && sim_schedule_interval_us(c.schedule) < HV_USEC_PER_HOUR)
                c.deadline_s = 90 + below(s, 600);
        c.job.endless = false;
        c.job.disk = HV_MAX(c.job.disk, 1u);
        c.job.services = c.job.jobs = 0;
        return c;
}

static const char *image_of(const struct sim_job *j) {
        return sim_image_name(j->image);
}

static void write_document(const char *name, const struct sim_cron *c, struct hv_buf *b) {
        static const char *const concurrencies[] = { "forbid", "allow", "replace" };
        static const char *const misses[] = { "runOnce", "skip", "runAll" };
        static const char *const causes[] = { "nodeError", "oom", "timeout", "exitCode" };
        const struct sim_job *j = &c->job;
        const char *comma = "";

        hv_buf_printf(b,
                      "    - name: %s\n"
                      "      schedule: \"%s\"\n"
                      "      timezone: %s\n"
                      "      concurrency: %s\n"
                      "      missed: %s\n"
                      "      startingDeadline: %" PRIu64 "s\n"
                      "      jitter: %" PRIu64 "s\n"
                      "      history: {success: %u, failed: %u}\n"
                      "      task:\n"
                      "        image: %s\n"
                      "        command: [work, \"%u\"]\n"
                      "        priority: %u\n"
                      "        stop: {grace: %" PRIu64 "s}\n",
                      name, sim_schedule_text(c->schedule), sim_zone_name(c->zone),
                      concurrencies[c->concurrency], misses[c->missed], c->deadline_s, c->jitter_s,
                      c->keep_success, c->keep_failed, image_of(j), j->variant, j->priority,
                      j->stop_grace_us / HV_USEC_PER_SEC);
        if (j->timeout_us != HV_TIME_NEVER)
                hv_buf_printf(b, "        timeout: %" PRIu64 "s\n", j->timeout_us / HV_USEC_PER_SEC);
        if (j->checkpoint_code > 0)
                hv_buf_printf(b, "        checkpoint: {exitCode: %d, path: state}\n", j->checkpoint_code);
        hv_buf_printf(b, "        resources: {requests: {disk: %uGi}, limits: {memory: %uMi, cpu: %um}}\n",
                      j->disk, j->memory * 256, j->cpus * 500);
        hv_buf_printf(b, "        retries: {limit: %u, backoff: %" PRIu64 "s, on: [", j->retry_limit,
                      j->retry_backoff_us / HV_USEC_PER_SEC);
        for (unsigned i = 0; i < HV_ARRAY_SIZE(causes); i++)
                if (j->retry_on & 1u << i) {
                        hv_buf_printf(b, "%s%s", comma, causes[i]);
                        comma = ", ";
                }
        hv_buf_printf(b, "]}\n");
}

/* The real loader's reading of these documents. */
static const struct hv_desired *read_documents(struct sim *s, const char *text) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        const struct hv_spec_file file = {
                .name = "node.yaml", .text = text, .len = strlen(text), .source = "file", .primary = true
        };
        const struct hv_spec_input in = {
                .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "node-1"
        };
        struct hv_desired *d = NULL;
        size_t n = 0;

        if (hv_streq(s->crons->read_text, text)) /* most changes are of something else */
                return s->crons->read.v[s->crons->read.n - 1];
        if (hv_spec_load(&in, &d, diags) < 0) {
                const struct hv_diag *first = hv_diags_all(diags, &n);

                sim_fail(s, "CRON", "the simulator's own document is refused: %s\n%s",
                         n ? first->message : "?", text);
                return NULL;
        }
        hv_vec_push(&s->crons->read, d);
        free(s->crons->read_text);
        s->crons->read_text = hv_strdup(text);
        return d;
}

static void remember_behaviour(struct sim *s, const char *digest, const struct sim_job *job) {
        struct sim_cron_made *m;

        for (size_t i = 0; i < s->crons->made.n; i++)
                if (hv_streq(s->crons->made.v[i].digest, digest))
                        return;
        m = hv_vec_add(&s->crons->made);
        (void) snprintf(m->digest, sizeof m->digest, "%s", digest);
        m->job = *job;
}

const struct hv_cron_task *sim_cron_lower(struct sim *s, const struct sim_model *m, struct hv_arena *a,
                                          struct hv_buf *text, size_t *ret_n) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_cron_task *v = HV_ARENA_NEW_N(a, struct hv_cron_task, SIM_N_CRONS);
        const struct hv_desired *d = NULL;
        size_t head;

        hv_buf_printf(
                &b,
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n  cronTasks:\n");
        head = b.len;
        for (unsigned i = 0; i < SIM_N_CRONS; i++)
                if (m->crons[i].there)
                        write_document(sim_cron_name(i), &m->crons[i], &b);
        *ret_n = 0;
        if (b.len > head)
                d = read_documents(s, hv_buf_str(&b));
        if (!d)
                return v;
        hv_buf_printf(text, "%s", hv_buf_str(&b) + head);
        memcpy(v, d->cron_tasks, d->n_cron_tasks * sizeof *v);
        *ret_n = d->n_cron_tasks;
        for (size_t i = 0; i < d->n_cron_tasks; i++)
                for (unsigned k = 0; k < SIM_N_CRONS; k++)
                        if (hv_streq(v[i].name, sim_cron_name(k)))
                                remember_behaviour(s, v[i].digest, &m->crons[k].job);
        return v;
}

/* ---- runs ---- */

static struct sim_job behaviour_of(const struct sim *s, const char *digest) {
        for (size_t i = 0; i < s->crons->made.n; i++)
                if (hv_streq(s->crons->made.v[i].digest, digest))
                        return s->crons->made.v[i].job;
        return (struct sim_job){ .run_us = HV_USEC_PER_SEC, .checkpoint_code = -1 };
}

void sim_cron_learn(struct sim *s, struct hv_task *run) {
        struct sim_known *known = (struct sim_known *) sim_job_find(s, run->id);

        if (known && known->task == run)
                return;
        if (known &&
            hv_streq(known->task->digest, run->digest)) { /* another core's; the engine has its texts */
                hv_vec_push(&s->crons->retired, hv_task_ref(run));
                return;
        }
        if (known) /* the first of that id was forgotten, or never accepted */
                hv_vec_push(&s->crons->retired, known->task);
        else {
                known = HV_ARENA_NEW(s->arena, struct sim_known);
                hv_vec_push(&s->jobs->known, known);
        }
        known->task = hv_task_ref(run);
        known->job = behaviour_of(s, run->digest);
}

/* ---- what is durable ---- */

struct sim_cron_record *sim_cron_record(struct sim *s, const char *name) {
        struct sim_cron_record *r;

        for (size_t i = 0; i < s->crons->records.n; i++)
                if (hv_streq(s->crons->records.v[i]->name, name))
                        return s->crons->records.v[i];
        r = HV_ARENA_NEW(s->arena, struct sim_cron_record);
        r->name = hv_arena_strdup(s->arena, name);
        hv_vec_push(&s->crons->records, r);
        return r;
}

struct sim_reply sim_cron_write(struct sim *s, const struct hv_action *a) {
        struct sim_cron_record *r = sim_cron_record(s, a->name);

        r->until_us = HV_MAX(r->until_us, a->cron_until_us);
        if (a->type == HV_ACTION_CRON_SUSPEND)
                r->suspended = a->suspend ? *a->order : (struct hv_order){};
        return (struct sim_reply){ .outcome = HV_OUTCOME_OK };
}

void sim_cron_accepted(struct sim *s, const struct hv_action *a) {
        struct sim_cron_record *r;

        if (!a->cron_until_us)
                return;
        r = sim_cron_record(s, a->task->name);
        r->until_us = HV_MAX(r->until_us, a->cron_until_us);
}

void sim_cron_recall(struct sim *s) {
        for (size_t i = 0; i < s->crons->records.n; i++) {
                const struct sim_cron_record *r = s->crons->records.v[i];
                const struct hv_cron_recalled cron = { .name = r->name,
                                                       .until_wall_us = r->until_us,
                                                       .suspend = r->suspended };

                if (r->until_us || r->suspended.by)
                        sim_agent_input(s, &(struct hv_input){ .type = HV_INPUT_CRON_RECALL, .cron = &cron });
        }
}

/* ---- zones ---- */

static void put_number(struct hv_buf *b, uint32_t n) {
        const char bytes[4] = { (char) (n >> 24), (char) (n >> 16), (char) (n >> 8), (char) n };

        hv_buf_add(b, bytes, sizeof bytes);
}

/* RFC 8536: one type of local time, which no instant has, and the rule of the footer for all of them. */
static void put_block(struct hv_buf *b) {
        static const char version_and_unused[16] = "2",
                          type_and_name[6 + 4] = { 0, 0, 0, 0, 0, 0, 'L', 'M', 'T', 0 };
        static const uint32_t counts[6] = { 0, 0, 0, 0, 1, 4 };

        hv_buf_add(b, "TZif", 4);
        hv_buf_add(b, version_and_unused, sizeof version_and_unused);
        for (unsigned i = 0; i < HV_ARRAY_SIZE(counts); i++)
                put_number(b, counts[i]);
        hv_buf_add(b, type_and_name, sizeof type_and_name);
}

static struct hv_zone *make_zone(struct sim *s, unsigned zone) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        struct hv_zone *z = NULL;
        struct hv_err err = {};

        put_block(&b);
        put_block(&b);
        hv_buf_printf(&b, "\n%s\n", sim_zone_rule(zone));
        if (hv_zone_parse(b.data, b.len, &z, &err) < 0)
                sim_fail(s, "CRON", "the simulator's own zone %s is refused: %s", sim_zone_name(zone),
                         err.msg);
        return z;
}

void sim_cron_tell_zones(struct sim *s, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_cron_tasks; i++) {
                unsigned zone = sim_zone_find(d->cron_tasks[i].zone);
                struct hv_input in = { .type = HV_INPUT_ZONE, .text = d->cron_tasks[i].zone };

                if (!s->agent->core || zone == SIM_N_ZONES || !sim_zone_rule(zone))
                        continue;
                in.zone = make_zone(s, zone);
                if (in.zone)
                        sim_agent_input(s, &in);
        }
}

/* ---- people and the machine ---- */

static void note_request(struct sim *s, const char *name) {
        char at[HV_RFC3339_SIZE];

        hv_rfc3339_format(sim_wall_us(s), at);
        hv_vec_push(&s->crons->requests,
                    ((struct sim_cron_request){ .id = sim_text(s, "%s-%.4s%.2s%.2s%.2s%.2s", name, at, at + 5,
                                                               at + 8, at + 11, at + 14),
                                                .triggered = true }));
}

int sim_cron_ask(struct sim *s, enum hv_input_type type, const char *name) {
        static const char *const deeds[] = { "run now", "suspended", "resumed" };
        int r;

        /* It is the run of this minute, whatever the answer: the plan that follows at once must find it asked for. */
        if (type == HV_INPUT_CRON_TRIGGER)
                note_request(s, name);
        else
                hv_vec_push(&sim_cron_record(s, name)->asked, sim_desk_order(s));
        r = sim_desk_ask(s, type, name, NULL);
        sim_trace(s, "DESK wants %s %s: %d", name, deeds[type - HV_INPUT_CRON_TRIGGER], r);
        return r;
}

void sim_cron_request(struct sim *s) {
        static const enum hv_input_type types[] = { HV_INPUT_CRON_TRIGGER, HV_INPUT_CRON_SUSPEND,
                                                    HV_INPUT_CRON_RESUME, HV_INPUT_CRON_RESUME };

        (void) sim_cron_ask(s, types[below(s, HV_ARRAY_SIZE(types))],
                            sim_cron_name((unsigned) below(s, s->crons->n)));
}

/* The clocks go on, nothing else does; then the agent looks at once what it has missed. */
void sim_cron_sleep(struct sim *s) {
        uint64_t span_us = sim_span(s, SIM_CHANCE_CRON, HV_USEC_PER_MIN, 50 * HV_USEC_PER_HOUR);

        sim_trace(s, "MACHINE sleeps for %" PRIu64 " s", span_us / HV_USEC_PER_SEC);
        sim_alarms_shift(&s->alarms, span_us);
        s->now_us += span_us;
        s->ledger->busy_until_us += span_us;
        s->crons->slept_us += span_us;
        sim_attempt_clock_was_set(s);
        if (s->agent->core && s->agent->deadline_us <= s->now_us)
                sim_agent_plan(s);
}

/* ---- the end of a history ---- */

static void go_on_for(struct sim *s, uint64_t span_us) {
        uint64_t until_us = s->now_us + span_us;

        while (!s->failed && sim_step(s, until_us))
                ;
}

static const struct hv_desired *active_with_crons(const struct sim *s) {
        const struct hv_desired *d = s->agent->core ? hv_core_active(s->agent->core) : NULL;

        return d && d->n_cron_tasks ? d : NULL;
}

void sim_cron_rest(struct sim *s) {
        const struct hv_desired *d = active_with_crons(s);

        if (!d && !sim_workload_has_crons(s))
                return;
        go_on_for(s, 2 * (d ? d->settings.resync_us : HV_USEC_PER_MIN) + 8 * HV_USEC_PER_MIN);
        sim_oracle_crons_caught_up(s);
        sim_trace(s, "WISH no cron task any more");
        sim_workload_leave_out_crons(s);
        sim_agent_offer(s);
        go_on_for(s, HV_USEC_PER_MIN);
        /* The guard holds it: what is in force goes on. */
        d = active_with_crons(s);
        for (size_t i = 0; d && !s->failed && i < d->n_cron_tasks; i++)
                (void) sim_cron_ask(s, HV_INPUT_CRON_SUSPEND, d->cron_tasks[i].name);
}
