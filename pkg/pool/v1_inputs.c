/* pool/v1_inputs.c - assignments whose inputs are still coming; see v1.h.
 *
 *      list --> add() --> bytes that came with it: into the inbox ----------------------.
 *                    '--> pieces that are fetched: one input at a time, resumed by offset --+--> assign --> verdict
 *
 * Model    An assignment waits here, by itself, until all of its inputs are in the inbox: a large input does not hold up the
 *          list that it came with, nor the word that takes another task back. One input is fetched at a time; what is cut goes
 *          on where it was, after a wait of its own, while the others go first. */
#include <errno.h>
#include <systemd/sd-event.h>

#include "base/alloc.h"
#include "base/map.h"
#include "base/rng.h"
#include "base/text.h"
#include "base/time.h"
#include "base/vec.h"
#include "pool/inbox.h"
#include "pool/message.h"
#include "pool/v1.h"
#include "pool/wire.h"
#include "retry/backoff.h"

#define FETCH_TIMEOUT_US \
        (24 * HV_USEC_PER_HOUR) /* of one stream; a dead pool is found by keepalive long before */

struct incoming {
        TAILQ_ENTRY(incoming) entry;
        struct v1_inputs *inputs;
        struct hv_arena *arena; /* of what follows */
        struct hv_pool_document d;
        enum blob_state {
                BLOB_MISSING,
                BLOB_FLUSHING,
                BLOB_HELD, /* in the inbox, where it stays until the verdict */
        } *
                states; /* of d.blobs */
        bool assigned;  /* the verdict is awaited */
        bool dropped;   /* taken back meanwhile */
        unsigned n_failures;
        uint64_t not_before_us;
};

struct v1_inputs {
        struct hv_pool_peer *peer;
        TAILQ_HEAD(, incoming) waiting;
        sd_event_source *timer;
        struct hv_rng rng;
        bool on;

        /* the input that is being fetched */
        struct incoming *current; /* NULL: none */
        size_t index;             /* of its blob */
        struct hv_rpc_call *call;
        struct hv_inbox_blob *blob;
};

static void go_on(struct v1_inputs *i);

static uint64_t now_us(const struct v1_inputs *i) {
        uint64_t now = 0;

        (void) sd_event_now(i->peer->with.options->event, CLOCK_BOOTTIME, &now);
        return now;
}

static void end_incoming(struct incoming *in) {
        struct v1_inputs *i = in->inputs;

        TAILQ_REMOVE(&i->waiting, in, entry);
        hv_inbox_forget(i->peer->with.inbox, in);
        for (size_t n = 0; n < in->d.n_blobs; n++)
                if (in->states[n] == BLOB_HELD)
                        hv_inbox_release(i->peer->with.inbox, in->d.blobs[n].sha256);
        hv_arena_free(in->arena);
        free(in);
}

/* --- the end --- */

static void on_verdict(void *userdata, enum hv_pool_verdict verdict, const char *message) {
        struct incoming *in = userdata;
        struct v1_inputs *i = in->inputs;

        if (verdict == HV_POOL_REFUSED && !in->dropped)
                v1_refuse(i->peer, &in->d.assignment, message ? message : "refused");
        if (verdict == HV_POOL_HANDED_BACK && !in->dropped)
                v1_hand_back(i->peer, &in->d.assignment, message ? message : "handed back");
        if (verdict == HV_POOL_LATER && !in->dropped)
                v1_list_ask_again(i->peer->list);
        end_incoming(in);
        go_on(i);
}

static void refuse(struct incoming *in, const char *why) {
        struct v1_inputs *i = in->inputs;

        v1_refuse(i->peer, &in->d.assignment, why);
        end_incoming(in);
        go_on(i);
}

static void wait_longer(struct incoming *in) {
        struct v1_inputs *i = in->inputs;
        const struct hv_pool_options *o = i->peer->with.options;
        const struct hv_backoff_spec retry = { .initial_us = o->retry_initial_us,
                                               .max_us = o->retry_max_us,
                                               .factor_milli = o->retry_factor_milli };

        in->n_failures++;
        in->not_before_us =
                hv_time_add(now_us(i), hv_rng_below(&i->rng, hv_backoff_delay(&retry, in->n_failures) + 1));
        go_on(i);
}

/* What the inbox says: for good, or for now. */
static void no_room(struct incoming *in, int error, const char *why) {
        struct v1_inputs *i = in->inputs;

        if (error == -EFBIG || error == -EBADMSG || error == -EINVAL) {
                refuse(in, why);
                return;
        }
        v1_list_ask_again(
                i->peer->list); /* a full disk: perhaps there is room when it is assigned the next time */
        end_incoming(in);
        go_on(i);
}

static void on_blob(void *userdata, const char *sha256, int error, const char *message) {
        struct incoming *in = userdata;

        if (error < 0) {
                no_room(in, error, message);
                return;
        }
        for (size_t n = 0; n < in->d.n_blobs; n++) {
                if (in->states[n] == BLOB_FLUSHING && hv_streq(in->d.blobs[n].sha256, sha256)) {
                        in->states[n] = BLOB_HELD; /* finish() held it */
                        break;
                }
        }
        in->n_failures = 0;
        go_on(in->inputs);
}

/* --- one input over the wire --- */

static void end_fetch(struct v1_inputs *i) {
        hv_rpc_call_cancel(HV_STEAL(i->call));
        if (i->blob)
                hv_inbox_blob_leave(i->blob);
        i->blob = NULL;
        i->current = NULL;
}

/* The piece's bytes, straight from where they came: the message holds one field. */
static int take_piece(struct v1_inputs *i, struct hv_rpc_bytes *message, struct hv_err *err) {
        const unsigned char *p = hv_rpc_bytes_flat(message), *end = p + hv_rpc_bytes_len(message);
        struct hv_wire_field f;
        int r;

        while ((r = hv_wire_next(&p, end, &f)) > 0) {
                if (f.number != 1 || f.type != 2)
                        continue;
                r = hv_inbox_blob_add(i->blob, f.data, f.len, err);
                if (r < 0)
                        return r;
        }
        return r < 0 ? hv_err_set(err, -EPROTO, "a piece of an input cannot be read") : 0;
}

static void on_piece(void *userdata, struct hv_rpc_bytes *message) {
        struct v1_inputs *i = userdata;
        struct incoming *in = i->current;
        struct hv_err err = {};
        int r = take_piece(i, message, &err);

        hv_rpc_bytes_free(message);
        if (r == 0) {
                hv_rpc_call_next(i->call);
                return;
        }
        end_fetch(i);
        if (r == -EPROTO)
                wait_longer(in);
        else
                no_room(in, r, err.msg);
}

static void finish_blob(struct v1_inputs *i, struct incoming *in) {
        struct hv_inbox_blob *blob = HV_STEAL(i->blob);

        i->current = NULL;
        in->states[i->index] = BLOB_FLUSHING;
        hv_inbox_blob_finish(blob, on_blob, in);
        go_on(i);
}

static void on_fetch_end(void *userdata, const struct hv_rpc_end *end) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct v1_inputs *i = userdata;
        struct incoming *in = i->current;
        bool answered, more;
        enum hv_pool_outcome outcome = hv_pool_outcome_of_status(end->status, &answered);
        const char *said = v1_say(arena, "FetchTaskInput", end);
        char quoted[HV_TEXT_QUOTE_SIZE];

        i->call = NULL;
        more = hv_inbox_blob_offset(i->blob) < in->d.blobs[i->index].size_bytes;
        i->peer->with.sink->heard(i->peer->with.sink_data, outcome, answered,
                                  outcome == HV_POOL_OUTCOME_OK ? "" : said);
        if (outcome == HV_POOL_OUTCOME_OK && !more) {
                finish_blob(i, in);
                return;
        }
        end_fetch(i);
        if (outcome == HV_POOL_OUTCOME_REFUSED || outcome == HV_POOL_OUTCOME_UNSUPPORTED)
                refuse(in, hv_arena_printf(arena, "input %s cannot be had: %s",
                                           hv_text_quote(in->d.blobs[i->index].name, quoted), said));
        else
                wait_longer(in);
}

static void start_fetch(struct v1_inputs *i, struct incoming *in) {
        const struct hv_pool_blob *b = &in->d.blobs[i->index];
        V1__FetchTaskInputRequest m = V1__FETCH_TASK_INPUT_REQUEST__INIT;
        struct hv_err err = {};
        int r;

        m.node_id = (char *) i->peer->with.options->node_id;
        m.task_id = (char *) in->d.assignment.id;
        m.attempt = in->d.assignment.attempt;
        m.name = (char *) b->name;
        m.offset = hv_inbox_blob_offset(i->blob);
        i->current = in;
        r = hv_rpc_call_start(i->peer->channel,
                              &(struct hv_rpc_call_options){
                                      .method = V1_METHOD("FetchTaskInput"),
                                      .request = hv_message_pack(&m.base),
                                      .timeout_us = FETCH_TIMEOUT_US,
                                      .stream = true,
                                      .on_message = on_piece,
                                      .on_end = on_fetch_end,
                                      .userdata = i,
                              },
                              &i->call, &err);
        if (r == 0) {
                hv_rpc_call_next(i->call);
                return;
        }
        end_fetch(i);
        refuse(in, err.msg);
}

/* --- what is next --- */

/* Begins an input; false: somebody else's task brings the same one just now. */
static bool begin_input(struct v1_inputs *i, struct incoming *in, size_t index) {
        const struct hv_pool_blob *b = &in->d.blobs[index];
        struct hv_inbox_blob *blob;
        struct hv_err err = {};
        int r;

        r = hv_inbox_receive(i->peer->with.inbox, b->sha256, b->size_bytes, &blob, &err);
        if (r == -EBUSY)
                return false;
        if (r == 0 && !b->name) { /* came with a list that is gone: it comes again */
                hv_inbox_blob_drop(blob);
                r = hv_err_set(&err, -EAGAIN, "its bytes are not here any more");
        }
        if (r < 0) {
                no_room(in, r, err.msg);
                return true;
        }
        i->blob = blob;
        i->index = index;
        if (hv_inbox_blob_offset(blob) == b->size_bytes)
                finish_blob(i, in);
        else
                start_fetch(i, in);
        return true;
}

/* Looks what is there already. The first blob that is missing, or n_blobs; *ret_flushing: others are not safe yet. */
static size_t first_missing(struct incoming *in, bool *ret_flushing) {
        struct hv_inbox *inbox = in->inputs->peer->with.inbox;
        size_t first = in->d.n_blobs;

        *ret_flushing = false;
        for (size_t n = in->d.n_blobs; n-- > 0;) {
                if (in->states[n] == BLOB_MISSING && hv_inbox_has(inbox, in->d.blobs[n].sha256)) {
                        hv_inbox_hold(inbox, in->d.blobs[n].sha256);
                        in->states[n] = BLOB_HELD;
                }
                if (in->states[n] == BLOB_MISSING)
                        first = n;
                *ret_flushing |= in->states[n] == BLOB_FLUSHING;
        }
        return first;
}

/* One step for one assignment; false: none can be made. Every step ends in another look, so this one is over. */
static bool step(struct v1_inputs *i) {
        const struct hv_pool_sink *sink = i->peer->with.sink;
        uint64_t now = now_us(i), next = HV_TIME_NEVER;
        struct incoming *in;

        TAILQ_FOREACH (in, &i->waiting, entry) {
                bool flushing;
                size_t missing;

                if (in->assigned)
                        continue;
                missing = first_missing(in, &flushing);
                if (missing == in->d.n_blobs && flushing)
                        continue;
                if (missing == in->d.n_blobs) {
                        in->assigned = true;
                        sink->assign(i->peer->with.sink_data, &in->d.assignment, on_verdict, in);
                        return true;
                }
                if (!i->on || i->current)
                        continue;
                if (in->not_before_us > now)
                        next = HV_MIN(next, in->not_before_us);
                else if (begin_input(i, in, missing))
                        return true;
        }
        if (next != HV_TIME_NEVER) {
                (void) sd_event_source_set_time(i->timer, next);
                (void) sd_event_source_set_enabled(i->timer, SD_EVENT_ONESHOT);
        }
        return false;
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        struct v1_inputs *i = userdata;

        (void) s;
        (void) usec;
        if (step(i))
                go_on(i);
        return 0;
}

/* In the next turn of the loop: one step a turn. */
static void go_on(struct v1_inputs *i) {
        (void) sd_event_source_set_time(i->timer, 0);
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_ONESHOT);
}

/* --- in and out --- */

static struct incoming *find(struct v1_inputs *i, const char *id) {
        struct incoming *in;

        TAILQ_FOREACH (in, &i->waiting, entry)
                if (hv_streq(in->d.assignment.id, id) && !in->dropped)
                        return in;
        return NULL;
}

static void drop(struct incoming *in) {
        struct v1_inputs *i = in->inputs;

        if (i->current == in)
                end_fetch(i);
        if (in->assigned) /* its verdict comes, and ends it */
                in->dropped = true;
        else
                end_incoming(in);
}

bool v1_inputs_has(struct v1_inputs *i, const struct hv_pool_assignment *a) {
        struct incoming *in = find(i, a->id);

        if (!in)
                return false;
        if (in->d.assignment.attempt == a->attempt && in->d.assignment.lease_epoch == a->lease_epoch &&
            hv_streq(in->d.assignment.document, a->document))
                return true;
        drop(in);
        return false;
}

bool v1_inputs_drop(struct v1_inputs *i, const char *id) {
        struct incoming *in = find(i, id);
        bool gone = in && !in->assigned;

        if (in)
                drop(in);
        return gone;
}

void v1_inputs_keep(struct v1_inputs *i, const struct hv_map *ids) {
        struct incoming *in, *next;

        for (in = TAILQ_FIRST(&i->waiting); in; in = next) {
                next = TAILQ_NEXT(in, entry);
                if (!hv_map_get(ids, in->d.assignment.id))
                        drop(in);
        }
}

static void copy(struct incoming *in, const struct hv_pool_document *d) {
        struct hv_pool_blob *blobs = HV_ARENA_NEW_N(in->arena, struct hv_pool_blob, d->n_blobs);
        struct hv_pool_assignment *a = &in->d.assignment;

        *a = d->assignment;
        a->id = hv_arena_strdup(in->arena, a->id);
        a->required_trust = hv_arena_strdup(in->arena, a->required_trust);
        a->document = hv_arena_memdup(in->arena, a->document, a->len + 1);
        for (size_t n = 0; n < d->n_blobs; n++) {
                blobs[n] = d->blobs[n];
                blobs[n].name = hv_arena_strdup(in->arena, d->blobs[n].name);
        }
        in->d.blobs = blobs;
        in->d.n_blobs = d->n_blobs;
}

/* Bytes that came with the assignment go into the inbox at once: nothing else holds them. */
static int keep_bytes(struct incoming *in, size_t index, const void *data, struct hv_err *err) {
        const struct hv_pool_blob *b = &in->d.blobs[index];
        struct hv_inbox *inbox = in->inputs->peer->with.inbox;
        struct hv_inbox_blob *blob;
        int r;

        if (hv_inbox_has(inbox, b->sha256))
                return 0;
        r = hv_inbox_receive(inbox, b->sha256, b->size_bytes, &blob, err);
        if (r < 0)
                return r == -EBUSY ? 0 : r;
        if (b->size_bytes > hv_inbox_blob_offset(blob))
                r = hv_inbox_blob_add(blob, (const char *) data + hv_inbox_blob_offset(blob),
                                      b->size_bytes - hv_inbox_blob_offset(blob), err);
        if (r < 0) {
                hv_inbox_blob_drop(blob);
                return r;
        }
        in->states[index] = BLOB_FLUSHING;
        hv_inbox_blob_finish(blob, on_blob, in);
        return 0;
}

void v1_inputs_add(struct v1_inputs *i, const struct hv_pool_document *d) {
        struct incoming *in = HV_NEW(struct incoming);
        struct hv_err err = {};
        int r = 0;

        in->inputs = i;
        in->arena = hv_arena_new();
        in->states = HV_ARENA_NEW_N(in->arena, enum blob_state, d->n_blobs);
        copy(in, d);
        TAILQ_INSERT_TAIL(&i->waiting, in, entry);
        for (size_t n = 0; n < d->n_blobs && r == 0; n++)
                if (!d->blobs[n].name)
                        r = keep_bytes(in, n, d->blobs[n].data, &err);
        if (r < 0)
                no_room(in, r, err.msg);
        go_on(i);
}

void v1_inputs_receive(struct v1_inputs *i, bool on) {
        i->on = on;
        if (!on && i->current)
                end_fetch(i);
        go_on(i);
}

int v1_inputs_new(struct hv_pool_peer *peer, struct v1_inputs **ret, struct hv_err *err) {
        struct v1_inputs *i = HV_NEW(struct v1_inputs);
        int r;

        i->peer = peer;
        i->rng.state = peer->with.options->seed + 1;
        TAILQ_INIT(&i->waiting);
        r = sd_event_add_time(peer->with.options->event, &i->timer, CLOCK_BOOTTIME, 0, HV_USEC_PER_MSEC,
                              on_timer, i);
        if (r < 0) {
                free(i);
                return hv_err_errno(err, r, "a timer");
        }
        (void) sd_event_source_set_enabled(i->timer, SD_EVENT_OFF);
        *ret = i;
        return 0;
}

struct v1_inputs *v1_inputs_free(struct v1_inputs *i) {
        if (!i)
                return NULL;
        if (i->current)
                end_fetch(i);
        while (!TAILQ_EMPTY(&i->waiting))
                end_incoming(TAILQ_FIRST(&i->waiting));
        sd_event_source_disable_unref(i->timer);
        free(i);
        return NULL;
}
