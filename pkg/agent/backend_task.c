/* agent/backend_task.c - what the API asks about tasks: submit, stop, retry, forget, fit.
 *
 *      document --> judged --> core --> an action of the ledger --> the pass after it --> answer
 *
 * Nobody is told of a promise before it is durable. A ledger that fails keeps the change waiting in the core, which tries again;
 * whoever asked is told so at once, and may ask again for the same. */
#include <errno.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "ledger/key.h"
#include "ledger/recall.h"
#include "reconcile/trust.h"
#include "spec/task_load.h"
#include "spec/yaml.h"
#include "task/receipt_key.h"

struct task_call {
        struct hv_api_call *call;
        enum hv_api_task_change_type type;
        char *id;
        char *key;              /* SUBMIT: its idempotency key; NULL: none */
        struct hv_diags *diags; /* warnings about the document; may be NULL */
        bool was_so;            /* it is known already, or has ended: nothing new was asked for */
        bool ask_again; /* FORGET, RETRY: it has ended, and its container or workspace is still being removed */
};

/* ---- looking ---- */

void hv_agent_tasks(void *userdata, struct hv_arena *arena, struct hv_api_tasks *ret) {
        const struct hv_agent *a = userdata;
        const struct hv_desired *d = hv_core_active(a->core);

        *ret = (struct hv_api_tasks){
                .ledger = a->ledger,
                .trouble = a->ledger    ? NULL
                           : !a->docker ? "no desired state asks for a container engine yet"
                                        : "it cannot be opened; the log says why",
                .trust_score = hv_core_trust(a->core),
                .results_root = a->results_root,
                .results_known = a->results_known,
                .results_bytes = a->results_bytes,
                .receipt_key = a->receipt_key ? hv_receipt_key_public(a->receipt_key) : NULL,
                .work_root = a->work_root,
        };
        ret->live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &ret->n_live);
        ret->room_known = hv_core_room(a->core, &ret->allocatable, &ret->for_tasks, &ret->free);
        ret->trust_group = d ? hv_trust_group(&d->settings.trust, ret->trust_score) : "low";
}

/* ---- what ended: once more, or no more ---- */

struct kept {
        struct hv_agent *agent;
        struct hv_task *task;
};

static int on_kept(const struct hv_ledger_task *t, void *userdata) {
        struct kept *k = userdata;

        k->task = hv_agent_task_kept(t, hv_core_active(k->agent->core));
        return 0;
}

static int reopen(struct hv_agent *a, const char *id, struct hv_err *err) {
        struct hv_input in = { .type = HV_INPUT_TASK_REOPEN, .text = id };
        struct kept k = { .agent = a };
        int r;

        if (!a->ledger)
                r = hv_err_set(err, -EAGAIN, "no task can be run again: the ledger is not there");
        else
                r = hv_ledger_task(a->ledger, id, on_kept, &k, err);
        if (r >= 0 && k.task->refused)
                r = hv_err_set(err, -EPERM, "%s", k.task->refused);
        if (r >= 0) {
                in.task = k.task;
                r = hv_agent_input(a, &in, err);
        }
        hv_task_unref(k.task);
        return r;
}

static int forget(struct hv_agent *a, const char *id, struct hv_err *err) {
        const struct hv_input in = { .type = HV_INPUT_TASK_FORGET, .text = id };

        return hv_agent_input(a, &in, err);
}

/* ---- answers ---- */

static void answer(struct hv_agent *a, size_t i, enum hv_api_task_outcome outcome, const struct hv_err *err) {
        struct task_call *t = a->task_calls.v[i];
        const struct hv_api_task_changed result = {
                .outcome = outcome, .id = t->id, .diags = t->diags, .err = err
        };

        a->task_calls.v[i] = a->task_calls.v[--a->task_calls.n];
        hv_api_task_done(t->call, &result);
        hv_diags_free(t->diags);
        free(t->id);
        free(t->key);
        free(t);
}

static bool is_durable(const struct task_call *t, bool known, const struct hv_task_status *s) {
        switch (t->type) {
        case HV_API_TASK_SUBMIT:
        case HV_API_TASK_RETRY:
                return known && s->accepted;
        case HV_API_TASK_STOP:
                return known && (s->stop_recorded || hv_task_state_is_end(s->state));
        default:
                return !known;
        }
}

/* It has ended, and something of it is still to be tidied up. */
static bool is_being_tidied(const struct hv_agent *a, const char *id, struct hv_arena *arena) {
        size_t n;
        const struct hv_task_status *live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);

        for (size_t i = 0; i < n; i++)
                if (hv_streq(live[i].id, id))
                        return hv_task_state_is_end(live[i].state);
        return false;
}

static bool check_cron(struct hv_agent *a, size_t i, struct hv_arena *arena) {
        struct task_call *t = a->task_calls.v[i];
        struct hv_err err = {};
        int r = hv_agent_cron_check(a, t->id, t->type == HV_API_CRON_SUSPEND, arena, &err);

        if (r < 0)
                answer(a, i, HV_API_TASK_FAILED, &err);
        else if (r > 0)
                answer(a, i, t->was_so ? HV_API_TASK_SAME : HV_API_TASK_DONE, NULL);
        return r != 0;
}

/* False: not yet. */
static bool check(struct hv_agent *a, size_t i, struct hv_arena *arena) {
        struct task_call *t = a->task_calls.v[i];
        struct hv_task_status s = {};
        bool known = hv_core_task_status(a->core, t->id, hv_agent_now_us(), arena, &s);
        struct hv_err err = {};

        if (t->type == HV_API_CRON_SUSPEND || t->type == HV_API_CRON_RESUME)
                return check_cron(a, i, arena);
        if (t->ask_again) {
                if (is_being_tidied(a, t->id, arena))
                        return false;
                t->ask_again = false;
                if ((t->type == HV_API_TASK_RETRY ? reopen(a, t->id, &err) : forget(a, t->id, &err)) < 0)
                        answer(a, i, HV_API_TASK_FAILED, &err);
                return err.code != 0;
        }
        if (is_durable(t, known, &s)) {
                answer(a, i, t->was_so ? HV_API_TASK_SAME : HV_API_TASK_DONE, NULL);
                return true;
        }
        if (!known)
                (void) hv_err_set(&err, -ENOENT, "task %s is not known any more", t->id);
        else if (s.ledger_failure)
                (void) hv_err_set(&err, -EAGAIN, "nothing is promised yet, ask again for the same: %s",
                                  s.ledger_failure);
        else if (t->type == HV_API_TASK_SUBMIT && hv_task_state_is_end(s.state))
                (void) hv_err_set(&err, -EEXIST, "the ledger does not take task %s: %s", t->id, s.message);
        else
                return false;
        answer(a, i, HV_API_TASK_FAILED, &err);
        return true;
}

void hv_agent_task_calls_passed(struct hv_agent *a) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = a->task_calls.n ? hv_arena_new() : NULL;

        for (size_t i = 0; i < a->task_calls.n;)
                if (!check(a, i, arena))
                        i++;
}

void hv_agent_task_calls_abandon(struct hv_agent *a) {
        struct hv_err err = {};

        (void) hv_err_set(&err, -EAGAIN, "the agent is stopping: ask again for the same when it is back");
        while (a->task_calls.n > 0)
                answer(a, 0, HV_API_TASK_FAILED, &err);
        hv_vec_done(&a->task_calls);
}

void hv_agent_task_refuse(struct hv_api_call *call, const struct hv_err *err) {
        hv_api_task_done(call,
                         &(const struct hv_api_task_changed){ .outcome = HV_API_TASK_FAILED, .err = err });
}

/* What is so already is found by that pass as well. */
void hv_agent_task_wait(struct hv_agent *a, struct hv_api_call *call, enum hv_api_task_change_type type,
                        const char *id, struct hv_diags *diags, bool was_so) {
        struct task_call *t = HV_NEW(struct task_call);

        *t = (struct task_call){
                .call = call, .type = type, .id = hv_strdup(id), .diags = diags, .was_so = was_so
        };
        hv_vec_push(&a->task_calls, t);
        hv_agent_poke(a);
}

/* ---- documents ---- */

static int load(struct hv_agent *a, const struct hv_api_file *file, const char *id, struct hv_task **ret,
                struct hv_diags **ret_diags) {
        const struct hv_task_request request = {
                .document = file->text,
                .len = file->len,
                .read = hv_yaml_read,
                .id = id,
                .source = HV_TASK_FROM_API,
                .label = file->name,
        };
        int r;

        *ret_diags = hv_diags_new();
        r = hv_task_load(&request, hv_core_active(a->core), ret, *ret_diags);
        hv_diags_sort(*ret_diags);
        return r;
}

/* Keys of those who ask over the API are a kind of their own in the ledger. */
static char *key_in_ledger(const char *key) {
        return key ? hv_asprintf("api:%s", key) : NULL;
}

const char *hv_agent_task_key(void *userdata, const char *id) {
        const struct hv_agent *a = userdata;

        for (size_t i = 0; i < a->task_calls.n; i++)
                if (a->task_calls.v[i]->key && hv_streq(a->task_calls.v[i]->id, id))
                        return a->task_calls.v[i]->key;
        return NULL;
}

/* 1: the key stands for a task that is known, *ret; 0: for none. */
static int find_by_key(struct hv_agent *a, const char *key, const struct hv_task *task,
                       struct hv_ledger_key *ret, struct hv_err *err) {
        int r = key ? hv_ledger_key(a->ledger, key, hv_agent_wall_us(), ret, err) : 0;

        if (r > 0 && !hv_streq(ret->digest, task->digest))
                return hv_err_set(err, -EEXIST,
                                  "the Idempotency-Key stands for task %s, with another content", ret->id);
        if (r > 0 && ret->forgotten_us > 0)
                return hv_err_set(
                        err, -ESTALE,
                        "the Idempotency-Key stands for task %s, which was forgotten: another run needs "
                        "another key",
                        ret->id);
        return r;
}

static void submit(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *task = NULL;
        _hv_cleanup_free_ char *key = key_in_ledger(c->key);
        struct hv_input in = { .type = HV_INPUT_TASK_SUBMIT };
        struct hv_ledger_key stands = {};
        struct hv_diags *diags;
        struct hv_err err = {};
        int r;

        r = load(a, c->file, c->id, &task, &diags);
        if (r < 0) {
                hv_api_task_done(call, &(const struct hv_api_task_changed){ .outcome = HV_API_TASK_REFUSED,
                                                                            .diags = diags });
                hv_diags_free(diags);
                return;
        }
        if (!a->ledger) {
                (void) hv_err_set(&err, -EAGAIN, "no task can be accepted: the ledger is not there");
                hv_agent_task_refuse(call, &err);
                hv_diags_free(diags);
                return;
        }
        in.task = task;
        r = find_by_key(a, key, task, &stands, &err);
        if (r == 0)
                r = hv_agent_input(a, &in, &err);
        if (r < 0 && r != -EALREADY) {
                hv_agent_task_refuse(call, &err);
                hv_diags_free(diags);
                return;
        }
        hv_agent_task_wait(a, call, c->type, *stands.id ? stands.id : task->id, diags, r != 0);
        a->task_calls.v[a->task_calls.n - 1]->key = HV_STEAL(key);
}

/* ---- stop, retry, forget ---- */

static void stop(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call) {
        const struct hv_input in = {
                .type = HV_INPUT_TASK_STOP, .text = c->id, .message = c->by, .reason = c->reason
        };
        struct hv_err err = {};
        int r = hv_agent_input(a, &in, &err);

        if (r < 0 && r != -EALREADY)
                hv_agent_task_refuse(call, &err);
        else
                hv_agent_task_wait(a, call, c->type, c->id, NULL, r == -EALREADY);
}

/* What can be done only to what has ended, and is done as soon as nothing of its last attempt is left. */
static void change_ended(struct hv_agent *a, const struct hv_api_task_change *c, struct hv_api_call *call) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_err err = {};
        int r = c->type == HV_API_TASK_RETRY ? reopen(a, c->id, &err) : forget(a, c->id, &err);

        if (r < 0 && !(r == -EBUSY && is_being_tidied(a, c->id, arena))) {
                hv_agent_task_refuse(call, &err);
                return;
        }
        hv_agent_task_wait(a, call, c->type, c->id, NULL, false);
        a->task_calls.v[a->task_calls.n - 1]->ask_again = r < 0;
}

void hv_agent_task_change(void *userdata, const struct hv_api_task_change *c, struct hv_api_call *call) {
        static void (*const changes[])(struct hv_agent *, const struct hv_api_task_change *,
                                       struct hv_api_call *) = {
                [HV_API_TASK_SUBMIT] = submit,
                [HV_API_TASK_STOP] = stop,
                [HV_API_TASK_RETRY] = change_ended,
                [HV_API_TASK_FORGET] = change_ended,
                [HV_API_CRON_TRIGGER] = hv_agent_cron_trigger,
                [HV_API_CRON_SUSPEND] = hv_agent_cron_suspend,
                [HV_API_CRON_RESUME] = hv_agent_cron_suspend,
        };

        changes[c->type](userdata, c, call);
}

/* ---- fit ---- */

/* Somebody who waits is before a newcomer of the same priority. */
static bool is_somebody_before(const struct hv_agent *a, const struct hv_task *t, struct hv_arena *arena) {
        size_t n;
        const struct hv_task_status *live = hv_core_live_tasks(a->core, hv_agent_now_us(), arena, &n);

        for (size_t i = 0; i < n; i++)
                if (live[i].state == HV_TASK_QUEUED && live[i].priority >= t->priority)
                        return true;
        return false;
}

static void judge(struct hv_agent *a, const struct hv_task *t, struct hv_arena *arena, struct hv_api_fit *f) {
        char *text = hv_arena_alloc(arena, HV_ROOM_TEXT_SIZE);

        if (hv_core_lacks(a->core, &t->booking, false, text) != HV_RESOURCE_NONE) {
                f->verdict = HV_API_FIT_NEVER;
                f->message = text;
                return;
        }
        f->verdict = HV_API_FIT_LATER;
        f->message = hv_core_pressure(a->core, arena);
        if (f->message)
                return;
        f->message = "";
        if (hv_core_lacks(a->core, &t->booking, true, text) != HV_RESOURCE_NONE)
                f->message = text;
        else if (is_somebody_before(a, t, arena))
                f->message = "others of at least its priority wait before it";
        else
                f->verdict = HV_API_FIT_NOW;
}

void hv_agent_fit(void *userdata, const struct hv_api_file *file, struct hv_arena *arena,
                  struct hv_api_fit *ret) {
        _hv_cleanup_(hv_task_unrefp) struct hv_task *task = NULL;
        struct hv_agent *a = userdata;
        struct hv_room all;

        *ret = (struct hv_api_fit){ .verdict = HV_API_FIT_UNKNOWN, .message = "" };
        if (load(a, file, "fit", &task, &ret->diags) < 0)
                return;
        ret->asked = hv_room_of(&task->booking);
        if (hv_core_room(a->core, &all, &ret->for_tasks, &ret->free))
                judge(a, task, arena, ret);
        else
                ret->message = "what this machine has, or the desired state, is not known yet";
}
