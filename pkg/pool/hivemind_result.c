/* pool/hivemind_result.c - see hivemind.h.
 *
 *      result: wait until a second after ExecuteTask's answer --> closing line --> archive --> committed
 *
 * Log       The pool knows no offsets. What it was told is remembered here, and by the backend for the next process. Each attempt of
 *           this node has a log of its own. */
#include "base/alloc.h"
#include "pool/hivemind.h"
#include "pool/hivemind_note.h"
#include "pool/hivemind_text.h"

/* SEEN: for 0.2 s after the answer the pool writes RUNNING over a result that is there, and never gives the resources free. */
#define SETTLE_US (1500 * HV_USEC_PER_MSEC)
#define TIMEOUT_US (30 * HV_USEC_PER_SEC)
#define SLOWEST_BYTES_S 65536 /* a result gets the time that it needs at this rate */
#define RESULT_MAX_BYTES (((uint64_t) 1 << 30) - 131072) /* the deployed pool takes messages of 1 GiB */
#define ZIP_FIELD 2
#define TOO_LARGE "larger than max" /* what gRPC says of a message above a limit */

struct hivemind_delivery {
        struct hv_pool_peer *peer;
        struct hivemind_caller caller;
        struct hv_pool_parcel parcel;
        sd_event_source *timer;
};

static char *text(const char *s) {
        return (char *) (s ? s : "");
}

static struct hivemind_task *task_of(struct hv_pool_peer *p, const char *id) {
        struct hivemind_task *t = hv_map_get(p->tasks, id);

        if (!t) {
                t = HV_NEW(struct hivemind_task);
                t->result_not_before_us =
                        p->opened_us + SETTLE_US; /* answered by the process before, perhaps */
                hv_map_put(p->tasks, id, t);
        }
        return t;
}

void hivemind_forget_idle_tasks(struct hv_pool_peer *p) {
        uint64_t now = hivemind_now_us(p);
        struct hivemind_task *t;
        const char *id;
        size_t it = 0;

        while (hv_map_next(p->tasks, &it, &id, (void **) &t))
                if (!t->told_bytes && !t->is_closed && !t->is_too_large && !t->n_offers &&
                    t->result_not_before_us < now &&
                    !(p->delivery && hv_streq(p->delivery->parcel.owed->id, id)))
                        (void) hv_map_remove(p->tasks, id);
}

/* --- output --- */

static void put_output(struct hv_pool_peer *p, const char *id, const char *output, hivemind_reply_fn *on,
                       const struct hivemind_caller *caller) {
        Hivemind__TaskOutputUploadRequest m = HIVEMIND__TASK_OUTPUT_UPLOAD_REQUEST__INIT;

        m.task_id = text(id);
        m.output = text(output);
        if (p->token)
                m.token = (char *) hv_secret_bytes(p->token);
        hivemind_call_start(p,
                            &(struct hivemind_request){ .method = "WorkerNodeService/TaskOutputUpload",
                                                        .message = &m.base },
                            on, caller);
}

static uint64_t told_of(struct hv_pool_peer *p, const char *id, unsigned number) {
        const struct hv_pool_options *o = p->with.options;
        struct hivemind_task *t = task_of(p, id);

        if (!t->told_is_known || t->number != number) {
                t->told_is_known = true;
                t->number = number;
                t->told_bytes = o->backend->log_told ? o->backend->log_told(o->userdata, id, number) : 0;
        }
        return t->told_bytes;
}

static void note_told(struct hv_pool_peer *p, const char *id, unsigned number, uint64_t offset) {
        const struct hv_pool_options *o = p->with.options;

        task_of(p, id)->told_bytes = offset;
        if (o->backend->note_log)
                o->backend->note_log(o->userdata, id, number, offset);
}

static void on_log_taken(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                         const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hivemind_task *t = task_of(p, caller->id);

        hivemind_judge_ack(a, reply, HV_POOL_OUTCOME_REFUSED, "TaskOutputUpload", arena);
        if (a->outcome == HV_POOL_OUTCOME_OK) {
                if (t->number == caller->number && caller->offset > t->told_bytes)
                        note_told(p, caller->id, caller->number, caller->offset);
                a->next_offset = caller->offset;
        }
        caller->done(caller->data, a);
}

void hivemind_put_log(struct hv_pool_peer *p, const struct hv_pool_owed *owed, uint64_t offset,
                      const char *data, size_t len, hv_answer_fn *done, void *done_data) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hivemind_caller caller = {
                .done = done, .data = done_data, .id = owed->id, .number = owed->number
        };
        uint64_t told = told_of(p, owed->id, owed->number), next = HV_MAX(told, offset);
        bool is_last = owed->log_bytes && offset + len >= owed->log_bytes;
        size_t taken = hivemind_text_take(data, len, is_last);

        if (owed->log_bytes > next + HIVEMIND_SHOWN_BYTES) /* what is in front would not be shown */
                next = owed->log_bytes - HIVEMIND_SHOWN_BYTES;
        if (next > offset || taken == 0) {
                hivemind_answer_later(p,
                                      &(struct hv_answer){ .outcome = HV_POOL_OUTCOME_OK,
                                                           .answered = true,
                                                           .next_offset = next },
                                      &caller);
                return;
        }
        caller.offset = offset + taken;
        put_output(p, owed->id, hivemind_text_valid(data, taken, arena), on_log_taken, &caller);
}

/* --- results --- */

static void end_delivery(struct hv_pool_peer *p) {
        struct hivemind_delivery *d = HV_STEAL(p->delivery);

        sd_event_source_disable_unref(d->timer);
        free(d);
}

static void finish(struct hv_pool_peer *p, struct hv_answer *a) {
        const struct hivemind_caller caller = p->delivery->caller;

        end_delivery(p);
        caller.done(caller.data, a);
}

static void on_result_taken(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                            const ProtobufCMessage *reply) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *id = p->delivery->parcel.owed->id;

        (void) caller;
        hivemind_judge_ack(a, reply, HV_POOL_OUTCOME_REFUSED, "TaskResultUpload", arena);
        a->committed = a->outcome == HV_POOL_OUTCOME_OK;
        if (a->committed) {
                note_told(p, id, p->delivery->parcel.owed->number, 0);
                (void) hv_map_remove(p->tasks, id);
        }
        if (!a->committed && strstr(a->message, TOO_LARGE))
                task_of(p, id)->is_too_large = true; /* the next try says so in its place */
        finish(p, a);
}

/* The archive, or why there is none. */
static void fill_result(const struct hivemind_delivery *d, bool is_too_large, struct hv_buf *note,
                        struct hivemind_request *r) {
        const struct hv_pool_parcel *parcel = &d->parcel;
        const struct hv_pool_owed *owed = parcel->owed;
        _hv_cleanup_free_ char *why = NULL;

        if (parcel->fd >= 0 && parcel->size_bytes > 0 && !is_too_large) {
                r->file_field = ZIP_FIELD;
                r->fd = parcel->fd;
                r->file_len = (size_t) parcel->size_bytes;
                r->timeout_us += parcel->size_bytes * HV_USEC_PER_SEC / SLOWEST_BYTES_S;
                return;
        }
        if (is_too_large) {
                why = hv_asprintf(
                        "The result of task %s has %llu bytes, more than this pool takes. It is kept on "
                        "node %s.\n",
                        owed->id, (unsigned long long) parcel->size_bytes, hivemind_node_id(d->peer));
                hivemind_note(note, "error_log.txt", why);
                return;
        }
        why = hv_asprintf("Task ID: %s\nStatus: %s\nNode: %s\n%s%s%s\n", owed->id, owed->state,
                          hivemind_node_id(d->peer), owed->cause ? owed->cause : "", owed->cause ? ": " : "",
                          owed->message ? owed->message : "it never ran");
        hivemind_note(note, "execution_log.txt", why);
}

static void send_result(struct hivemind_delivery *d) {
        _hv_cleanup_(hv_buf_done) struct hv_buf note = {};
        struct hv_pool_peer *p = d->peer;
        Hivemind__TaskResultUploadRequest m = HIVEMIND__TASK_RESULT_UPLOAD_REQUEST__INIT;
        struct hivemind_request r = { .method = "WorkerNodeService/TaskResultUpload",
                                      .message = &m.base,
                                      .timeout_us = TIMEOUT_US };
        bool is_too_large =
                d->parcel.size_bytes > RESULT_MAX_BYTES || task_of(p, d->parcel.owed->id)->is_too_large;

        m.task_id = text(d->parcel.owed->id);
        if (p->token)
                m.token = (char *) hv_secret_bytes(p->token);
        fill_result(d, is_too_large, &note, &r);
        m.result_zip = (ProtobufCBinaryData){ .len = note.len, .data = (uint8_t *) note.data };
        hivemind_call_start(p, &r, on_result_taken, &(struct hivemind_caller){});
}

/* A courtesy, but for what speaks against the link: then the result would fare no better. */
static void on_closed(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                      const ProtobufCMessage *reply) {
        (void) caller;
        (void) reply;
        if (a->outcome == HV_POOL_OUTCOME_RELOGIN || (a->outcome == HV_POOL_OUTCOME_AGAIN && !a->answered)) {
                finish(p, a);
                return;
        }
        task_of(p, p->delivery->parcel.owed->id)->is_closed = true;
        send_result(p->delivery);
}

/* As the node's own programs have always said it to users of this pool: done, and whether with success. */
static void close_log(struct hivemind_delivery *d) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const struct hv_pool_owed *owed = d->parcel.owed;
        const char *word = hv_streq(owed->state, "Completed") ? "成功" : "失敗";

        put_output(d->peer, owed->id, hv_arena_printf(arena, "任務 %s 執行完成，狀態: %s", owed->id, word),
                   on_closed, &(struct hivemind_caller){});
}

static void look(struct hivemind_delivery *d) {
        const struct hivemind_task *t = task_of(d->peer, d->parcel.owed->id);

        if (t->n_offers) /* hivemind_offer_ended() looks again */
                return;
        if (hivemind_now_us(d->peer) < t->result_not_before_us) {
                (void) sd_event_source_set_time(d->timer, t->result_not_before_us);
                (void) sd_event_source_set_enabled(d->timer, SD_EVENT_ONESHOT);
        } else if (t->is_closed) {
                send_result(d);
        } else {
                close_log(d);
        }
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        (void) s;
        (void) usec;
        look(userdata);
        return 0;
}

void hivemind_put_result(struct hv_pool_peer *p, const struct hv_pool_parcel *parcel, uint64_t offset,
                         hv_answer_fn *done, void *done_data) {
        struct hivemind_delivery *d = HV_NEW(struct hivemind_delivery);

        (void) offset; /* there are no pieces */
        d->peer = p;
        d->caller = (struct hivemind_caller){ .done = done, .data = done_data };
        d->parcel = *parcel;
        p->delivery = d;
        (void) sd_event_add_time(p->with.options->event, &d->timer, CLOCK_BOOTTIME, 0, HV_USEC_PER_MSEC,
                                 on_timer, d);
}

void hivemind_delivery_end(struct hv_pool_peer *p) {
        if (p->delivery)
                end_delivery(p);
}

/* --- what is offered --- */

void hivemind_offer_began(struct hv_pool_peer *p, const char *id) {
        task_of(p, id)->n_offers++;
}

void hivemind_offer_ended(struct hv_pool_peer *p, const char *id) {
        struct hivemind_task *t = task_of(p, id);

        t->n_offers--;
        t->result_not_before_us = hivemind_now_us(p) + SETTLE_US;
        if (p->delivery && hv_streq(p->delivery->parcel.owed->id, id)) {
                (void) sd_event_source_set_time(p->delivery->timer, t->result_not_before_us);
                (void) sd_event_source_set_enabled(p->delivery->timer, SD_EVENT_ONESHOT);
        }
}
