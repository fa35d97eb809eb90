/* pool/v1_refuse.c - see v1.h. One at a time, in order; a pool that assigns nonsense faster than it listens is told of the
 * first few. */
#include "base/alloc.h"
#include "base/time.h"
#include "pool/v1.h"

#include <time.h>

#define REFUSALS_MAX 256 /* waiting; what is above is assigned again, and refused again */

struct refusal {
        STAILQ_ENTRY(refusal) entry;
        char *id, *why;
        unsigned attempt;
        uint64_t lease_epoch;
        bool hands_back; /* it is not refused for good: somebody else may have it */
};

struct v1_refusals {
        struct hv_pool_peer *peer;
        STAILQ_HEAD(, refusal) waiting; /* the first one is on its way */
        size_t n;
};

static void tell_next(struct v1_refusals *r);

static void drop_first(struct v1_refusals *r) {
        struct refusal *f = STAILQ_FIRST(&r->waiting);

        STAILQ_REMOVE_HEAD(&r->waiting, entry);
        r->n--;
        free(f->id);
        free(f->why);
        free(f);
}

static void on_told(struct hv_pool_peer *peer, const struct v1_caller *caller, struct hv_answer *a,
                    const ProtobufCMessage *reply) {
        struct v1_refusals *r = caller->data;

        (void) reply;
        peer->with.sink->heard(peer->with.sink_data, a->outcome, a->answered, a->message);
        drop_first(r);
        tell_next(r);
}

static void tell_next(struct v1_refusals *r) {
        const struct refusal *f = STAILQ_FIRST(&r->waiting);
        const char *node = r->peer->with.options->node_id;
        V1__ReportTaskResultRequest m = V1__REPORT_TASK_RESULT_REQUEST__INIT;
        _hv_cleanup_free_ char *key = NULL;

        if (!f)
                return;
        key = hv_asprintf("%s/%s/%u/0", node, f->id, f->attempt);
        m.task_id = f->id;
        m.node_id = (char *) node;
        m.status = (char *) "failed";
        m.state = (char *) (f->hands_back ? "Stopped" : "Rejected");
        m.handed_back = f->hands_back;
        m.timestamp = (int64_t) time(NULL);
        m.attempt = f->attempt;
        m.idempotency_key = key;
        m.exit_code = -1;
        m.reason = f->why;
        m.lease_epoch = f->lease_epoch;
        m.node_epoch = r->peer->node_epoch;
        v1_call_start(r->peer,
                      &(struct v1_request){ .method = "ReportTaskResult",
                                            .message = &m.base,
                                            .reply = &v1__report_task_result_response__descriptor },
                      on_told, (struct v1_caller){ .data = r });
}

static void add(struct hv_pool_peer *peer, const struct hv_pool_assignment *a, const char *why,
                bool hands_back) {
        struct v1_refusals *r = peer->refusals;
        struct refusal *f;

        if (!a->id ||
            r->n >= REFUSALS_MAX) /* without an id that can be said there is nothing to be told about */
                return;
        f = HV_NEW(struct refusal);
        f->id = hv_strdup(a->id);
        f->why = hv_strdup(why);
        f->attempt = a->attempt;
        f->lease_epoch = a->lease_epoch;
        f->hands_back = hands_back;
        STAILQ_INSERT_TAIL(&r->waiting, f, entry);
        if (++r->n == 1)
                tell_next(r);
}

void v1_refuse(struct hv_pool_peer *peer, const struct hv_pool_assignment *a, const char *why) {
        peer->with.sink->refused(peer->with.sink_data, a->id, why);
        add(peer, a, why, false);
}

void v1_hand_back(struct hv_pool_peer *peer, const struct hv_pool_assignment *a, const char *why) {
        add(peer, a, why, true);
}

struct v1_refusals *v1_refusals_new(struct hv_pool_peer *peer) {
        struct v1_refusals *r = HV_NEW(struct v1_refusals);

        r->peer = peer;
        STAILQ_INIT(&r->waiting);
        return r;
}

struct v1_refusals *v1_refusals_free(struct v1_refusals *r) {
        if (!r)
                return NULL;
        while (r->n)
                drop_first(r);
        free(r);
        return NULL;
}
