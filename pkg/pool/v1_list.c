/* pool/v1_list.c - what is assigned; see v1.h.
 *
 *      receive(true) --> fetch --> list --> watch --> list, list, ... --> cut: wait, fetch, ...
 *                          '--------> UNIMPLEMENTED: fetch every heartbeat, and when a beat says that there is something
 *
 * Model    A list comes as one message, or over a stream as several (all but the last say `incomplete`). Its frame is walked
 *          first: one that is cut says nothing at all. Then its tasks are taken one by one, for a few milliseconds in each
 *          turn of the loop; each waits for the verdict on the one before.
 *          What is missing from a list is taken back only when the list is complete, every task in it could be read, and
 *          its revision is newer than that of the last such list. A revision that is older belongs to a pool that has lost
 *          its memory: it is believed about what it names and about nothing else, so only what was in a list since then can
 *          disappear again. The first list of this process is believed whole: what a ledger brought over and the pool
 *          does not name has another owner by now.
 *          What is not taken for now (no room) is asked for again, all of it: after a heartbeat, then more and more seldom. */
#include <errno.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/time.h"
#include "base/vec.h"
#include "log/log.h"
#include "pool/message.h"
#include "pool/v1.h"
#include "pool/wire.h"
#include "retry/backoff.h"

#define SLICE_US (8 * HV_USEC_PER_MSEC)
#define LIST_MAX_TASKS 200000
#define ASK_AGAIN_MAX_US (5 * HV_USEC_PER_MIN)

struct asked { /* what a verdict is about */
        struct v1_list *list;
        struct hv_arena *arena;
        struct hv_pool_assignment a; /* id, attempt and lease of it */
};

struct v1_list {
        struct hv_pool_peer *peer;
        sd_event_source *timer; /* the next fetch */
        sd_event_source *slice; /* there are tasks to be taken */
        struct hv_rng rng;
        bool on, cannot_watch;
        struct hv_rpc_call *fetch, *watch; /* at most one of them */
        unsigned n_failures;

        /* what is known */
        uint64_t revision;   /* of the last list that was believed; 0: none */
        struct hv_map *seen; /* ids in it */
        bool had_list;       /* since this process began */
        bool ask_all;        /* something was not taken */
        bool asking_all;     /* the fetch on its way does */
        unsigned n_asked;    /* how often all were asked for in a row */

        /* the message at hand */
        struct hv_rpc_bytes *message; /* NULL: none */
        const unsigned char *at, *end;
        uint64_t message_revision;
        bool unchanged, incomplete;
        bool waiting; /* for a verdict */
        struct asked *asked;

        /* the list that it belongs to */
        struct hv_map *ids;
        uint64_t ids_revision;
        bool has_gap; /* a task in it could not be read */
};

static void start_watch(struct v1_list *l);
static void take_more(struct v1_list *l);

static uint64_t now_us(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static void heard(const struct v1_list *l, enum hv_pool_outcome outcome, bool answered, const char *message) {
        l->peer->with.sink->heard(l->peer->with.sink_data, outcome, answered, message);
}

static void fetch_after(struct v1_list *l, uint64_t wait_us) {
        (void) sd_event_source_set_time(l->timer, now_us(CLOCK_BOOTTIME) + wait_us);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

static void failed(struct v1_list *l) {
        const struct hv_pool_options *o = l->peer->with.options;
        const struct hv_backoff_spec retry = { .initial_us = o->retry_initial_us,
                                               .max_us = o->retry_max_us,
                                               .factor_milli = o->retry_factor_milli };

        l->n_failures++;
        l->ask_all |= l->asking_all;
        l->asking_all = false;
        if (l->on)
                fetch_after(l, hv_rng_below(&l->rng, hv_backoff_delay(&retry, l->n_failures) + 1));
}

static void forget_ids(struct v1_list *l) {
        hv_map_clear(l->ids);
        l->has_gap = false;
        l->ids_revision = 0;
}

/* --- the end of a message --- */

static void drop_message(struct v1_list *l) {
        l->message = hv_rpc_bytes_free(l->message);
        l->at = l->end = NULL;
        (void) sd_event_source_set_enabled(l->slice, SD_EVENT_OFF);
}

static void take_back_missing(struct v1_list *l) {
        const struct hv_pool_sink *sink = l->peer->with.sink;
        const char *id;
        size_t it = 0;

        while (hv_map_next(l->seen, &it, &id, NULL))
                if (!hv_map_get(l->ids, id))
                        (void) sink->cancel(l->peer->with.sink_data, id,
                                            "the pool assigned it to nobody here any more");
}

static void believe_whole(struct v1_list *l) {
        HV_VEC(const char *) ids = {};
        const char *id;
        size_t it = 0;

        while (hv_map_next(l->ids, &it, &id, NULL))
                hv_vec_push(&ids, id);
        l->peer->with.sink->only(l->peer->with.sink_data, ids.v, ids.n);
        hv_vec_done(&ids);
}

/* A list is complete: what does it say by silence? */
static void conclude(struct v1_list *l) {
        uint64_t revision = l->message_revision;
        struct hv_map *ids;

        if (revision == 0) /* this pool does not count */
                return;
        if (l->has_gap) {
                hv_log_notice(
                        "the pool's list %llu of assignments has tasks that cannot be read: nothing is concluded "
                        "from what is missing in it",
                        (unsigned long long) revision);
                return;
        }
        if (!l->had_list)
                believe_whole(l);
        else if (revision > l->revision)
                take_back_missing(l);
        if (!l->had_list || revision > l->revision)
                v1_inputs_keep(l->peer->inputs, l->ids);
        l->had_list = true;
        l->revision = revision;
        ids = l->seen;
        l->seen = l->ids;
        l->ids = ids;
}

static void message_done(struct v1_list *l) {
        bool more = l->incomplete;

        drop_message(l);
        l->n_failures = 0;
        l->asking_all = false;
        if (!more && !l->unchanged)
                conclude(l);
        if (!more || !l->watch)
                forget_ids(l);
        if (l->ask_all) {
                const struct hv_backoff_spec ask = { .initial_us = l->peer->with.options->heartbeat_us,
                                                     .max_us = ASK_AGAIN_MAX_US,
                                                     .factor_milli = 2000 };

                fetch_after(l, hv_backoff_delay(&ask, ++l->n_asked));
        } else {
                l->n_asked = 0;
        }
        if (l->watch)
                hv_rpc_call_next(l->watch);
        else if (l->on)
                start_watch(l);
}

/* --- one task --- */

static void on_verdict(void *userdata, enum hv_pool_verdict verdict, const char *message);

static void forget_asked(struct v1_list *l) {
        if (l->asked)
                hv_arena_free(l->asked->arena);
        l->asked = NULL;
        l->waiting = false;
}

static void consider(struct v1_list *l, const struct hv_pool_document *d) {
        const struct hv_pool_sink *sink = l->peer->with.sink;
        const char *why = NULL;
        struct hv_arena *arena;
        struct asked *asked;

        if (v1_inputs_has(l->peer->inputs, &d->assignment))
                return;
        switch (sink->judge(l->peer->with.sink_data, &d->assignment, &why)) {
        case HV_POOL_KNOWN:
                return;
        case HV_POOL_REFUSED:
                v1_refuse(l->peer, &d->assignment, why ? why : "refused");
                return;
        case HV_POOL_HANDED_BACK:
                v1_hand_back(l->peer, &d->assignment, why ? why : "handed back");
                return;
        case HV_POOL_LATER:
                l->ask_all = true;
                return;
        case HV_POOL_ACCEPTED:
                break;
        }
        if (d->n_blobs) {
                v1_inputs_add(l->peer->inputs, d);
                return;
        }
        arena = hv_arena_new();
        asked = HV_ARENA_NEW(arena, struct asked);
        *asked = (struct asked){ .list = l, .arena = arena, .a.attempt = d->assignment.attempt };
        asked->a.lease_epoch = d->assignment.lease_epoch;
        asked->a.id = hv_arena_strdup(arena, d->assignment.id);
        l->asked = asked;
        l->waiting = true;
        sink->assign(l->peer->with.sink_data, &d->assignment, on_verdict, asked);
}

static void on_verdict(void *userdata, enum hv_pool_verdict verdict, const char *message) {
        struct asked *asked = userdata;
        struct v1_list *l = asked->list;

        if (verdict == HV_POOL_REFUSED)
                v1_refuse(l->peer, &asked->a, message ? message : "refused");
        if (verdict == HV_POOL_HANDED_BACK)
                v1_hand_back(l->peer, &asked->a, message ? message : "handed back");
        if (verdict == HV_POOL_LATER)
                v1_list_ask_again(l);
        forget_asked(l);
        take_more(l);
}

static void take_task(struct v1_list *l, const struct hv_wire_field *f) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_pool_document d;
        V1__Task *task;
        struct hv_err err = {};

        if (hv_wire_unpack(&v1__task__descriptor, f->data, f->len, arena, &task, &err) < 0) {
                l->has_gap = true;
                l->peer->with.sink->refused(l->peer->with.sink_data, NULL, err.msg);
                return;
        }
        if (task->cancelled && hv_pool_id_is_valid(task->id)) {
                (void) v1_inputs_drop(l->peer->inputs, task->id);
                (void) l->peer->with.sink->cancel(l->peer->with.sink_data, task->id, "the pool cancelled it");
                return;
        }
        if (hv_pool_id_is_valid(task->id))
                hv_map_put(l->ids, task->id, l);
        if (hv_pool_document(task, arena, &d, &err) < 0)
                v1_refuse(l->peer, &d.assignment, err.msg);
        else
                consider(l, &d);
}

static int on_slice(sd_event_source *s, void *userdata) {
        struct v1_list *l = userdata;
        uint64_t until = now_us(CLOCK_MONOTONIC) + SLICE_US;
        struct hv_wire_field f;

        (void) s;
        while (l->message && !l->waiting) {
                if (hv_wire_next(&l->at, l->end, &f) <= 0) {
                        message_done(l);
                        return 0;
                }
                if (f.number == 1 && f.type == 2)
                        take_task(l, &f);
                if (now_us(CLOCK_MONOTONIC) >= until)
                        break;
        }
        take_more(l);
        return 0;
}

/* In the next turn of the loop, after whatever else is ready. */
static void take_more(struct v1_list *l) {
        (void) sd_event_source_set_enabled(l->slice,
                                           l->message && !l->waiting ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

/* --- a message comes --- */

/* Walks the frame. A list of which a part is missing or is no list says nothing. */
static int read_frame(struct v1_list *l, struct hv_err *err) {
        const unsigned char *p = l->at;
        struct hv_wire_field f;
        size_t n = 0;
        int r;

        l->message_revision = 0;
        l->unchanged = l->incomplete = false;
        while ((r = hv_wire_next(&p, l->end, &f)) > 0) {
                if (f.number == 1 && f.type == 2 && ++n > LIST_MAX_TASKS)
                        return hv_err_set(err, -EBADMSG, "it has more than %d tasks", LIST_MAX_TASKS);
                if (f.number == 16 && f.type == 0)
                        l->message_revision = f.value;
                if (f.number == 17 && f.type == 0)
                        l->unchanged = f.value;
                if (f.number == 18 && f.type == 0)
                        l->incomplete = f.value;
        }
        return r < 0 ? hv_err_set(err, r, "it is cut or not a list") : 0;
}

static int begin_message(struct v1_list *l, struct hv_rpc_bytes *message, const char *method) {
        _hv_cleanup_free_ char *said = NULL;
        struct hv_err err = {};

        l->message = message;
        l->at = hv_rpc_bytes_flat(message);
        l->end = l->at + hv_rpc_bytes_len(message);
        if (read_frame(l, &err) < 0) {
                drop_message(l);
                forget_ids(l);
                said = hv_asprintf("%s: the answer cannot be read: %s", method, err.msg);
                heard(l, HV_POOL_OUTCOME_AGAIN, true, said);
                return -EBADMSG;
        }
        heard(l, HV_POOL_OUTCOME_OK, true, "");
        if (l->ids_revision != l->message_revision) /* pieces of two lists are no list */
                forget_ids(l);
        l->ids_revision = l->message_revision;
        if (l->unchanged)
                l->at = l->end;
        take_more(l);
        return 0;
}

/* --- calls --- */

static struct hv_rpc_bytes *question(const struct v1_list *l, uint64_t known) {
        V1__GetAssignedTasksRequest m = V1__GET_ASSIGNED_TASKS_REQUEST__INIT;

        m.node_id = (char *) l->peer->with.options->node_id;
        m.known_revision = known;
        m.node_epoch = l->peer->node_epoch;
        return hv_message_pack(&m.base);
}

static void on_fetched(void *userdata, const struct hv_rpc_end *end) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct v1_list *l = userdata;
        bool answered;
        enum hv_pool_outcome outcome = hv_pool_outcome_of_status(end->status, &answered);

        l->fetch = NULL;
        if (outcome == HV_POOL_OUTCOME_OK) {
                if (begin_message(l, end->reply, "GetAssignedTasks") < 0)
                        failed(l);
                return;
        }
        if (end->status == HV_RPC_NOT_FOUND)
                outcome = HV_POOL_OUTCOME_REREGISTER;
        heard(l, outcome, answered, v1_say(arena, "GetAssignedTasks", end));
        failed(l);
}

static void end_calls(struct v1_list *l) {
        l->ask_all |= l->asking_all;
        l->asking_all = false;
        hv_rpc_call_cancel(HV_STEAL(l->fetch));
        hv_rpc_call_cancel(HV_STEAL(l->watch));
}

static void start_fetch(struct v1_list *l) {
        struct hv_err err = {};

        if (!l->on || l->fetch || l->message)
                return;
        end_calls(l);
        forget_ids(l);
        if (hv_rpc_call_start(
                    l->peer->channel,
                    &(struct hv_rpc_call_options){ .method = V1_METHOD("GetAssignedTasks"),
                                                   .request = question(l, l->ask_all ? 0 : l->revision),
                                                   .timeout_us = V1_TIMEOUT_US,
                                                   .on_end = on_fetched,
                                                   .userdata = l },
                    &l->fetch, &err) < 0) {
                heard(l, HV_POOL_OUTCOME_AGAIN, true, err.msg);
                failed(l);
                return;
        }
        l->asking_all = l->ask_all;
        l->ask_all = false;
}

static void on_watched(void *userdata, struct hv_rpc_bytes *message) {
        struct v1_list *l = userdata;

        if (begin_message(l, message, "WatchAssignments") < 0) {
                end_calls(l);
                failed(l);
        }
}

static void on_watch_end(void *userdata, const struct hv_rpc_end *end) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct v1_list *l = userdata;
        bool answered;
        enum hv_pool_outcome outcome = hv_pool_outcome_of_status(end->status, &answered);

        l->watch = NULL;
        if (outcome == HV_POOL_OUTCOME_UNSUPPORTED) {
                l->cannot_watch = true;
                start_watch(l);
                return;
        }
        if (end->status == HV_RPC_NOT_FOUND)
                outcome = HV_POOL_OUTCOME_REREGISTER;
        heard(l, outcome, answered,
              outcome == HV_POOL_OUTCOME_OK ? "" : v1_say(arena, "WatchAssignments", end));
        failed(l);
}

/* Or, where the pool cannot: the next fetch. */
static void start_watch(struct v1_list *l) {
        struct hv_err err = {};
        int r;

        if (l->cannot_watch) {
                if (!l->ask_all) /* that has its own time */
                        fetch_after(l, l->peer->with.options->heartbeat_us);
                return;
        }
        r = hv_rpc_call_start(l->peer->channel,
                              &(struct hv_rpc_call_options){ .method = V1_METHOD("WatchAssignments"),
                                                             .request = question(l, l->revision),
                                                             .timeout_us = HV_TIME_NEVER,
                                                             .stream = true,
                                                             .on_message = on_watched,
                                                             .on_end = on_watch_end,
                                                             .userdata = l },
                              &l->watch, &err);
        if (r == 0) {
                hv_rpc_call_next(l->watch);
                return;
        }
        heard(l, HV_POOL_OUTCOME_AGAIN, true, err.msg);
        failed(l);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        start_fetch(userdata);
        return 0;
}

/* --- from outside --- */

void v1_list_receive(struct v1_list *l, bool on) {
        if (l->on == on)
                return;
        l->on = on;
        if (on) {
                l->n_failures = 0;
                l->cannot_watch = false; /* it may be another version by now */
                start_fetch(l);
        } else {
                end_calls(l); /* a list that came already is still taken */
                (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        }
}

/* A stream brings it by itself. */
void v1_list_fetch(struct v1_list *l) {
        if (!l->watch)
                start_fetch(l);
}

void v1_list_ask_again(struct v1_list *l) {
        l->ask_all = true;
        if (!l->message && !l->fetch && l->on)
                fetch_after(l, l->peer->with.options->heartbeat_us);
}

int v1_list_new(struct hv_pool_peer *peer, struct v1_list **ret, struct hv_err *err) {
        struct v1_list *l = HV_NEW(struct v1_list);
        sd_event *event = peer->with.options->event;
        int r;

        l->peer = peer;
        l->rng.state = peer->with.options->seed + 2;
        l->seen = hv_map_new(NULL);
        l->ids = hv_map_new(NULL);
        r = sd_event_add_time(event, &l->timer, CLOCK_BOOTTIME, 0, HV_USEC_PER_MSEC, on_timer, l);
        if (r >= 0)
                r = sd_event_add_defer(event, &l->slice, on_slice, l);
        if (r < 0) {
                v1_list_free(l);
                return hv_err_errno(err, r, "a timer");
        }
        (void) sd_event_source_set_priority(l->slice, SD_EVENT_PRIORITY_IDLE);
        (void) sd_event_source_set_enabled(l->slice, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
        *ret = l;
        return 0;
}

struct v1_list *v1_list_free(struct v1_list *l) {
        if (!l)
                return NULL;
        end_calls(l);
        forget_asked(l);
        l->message = hv_rpc_bytes_free(l->message);
        sd_event_source_disable_unref(l->timer);
        sd_event_source_disable_unref(l->slice);
        hv_map_free(l->seen);
        hv_map_free(l->ids);
        free(l);
        return NULL;
}
