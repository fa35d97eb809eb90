/* pool/vouch.c - see vouch.h. */
#include "pool/vouch.h"

#include "base/alloc.h"
#include "log/log.h"

struct hv_vouching {
        TAILQ_ENTRY(hv_vouching) entry;
        struct hv_vouchings *all;
        hv_pool_vouch_fn *done;
        void *done_data;
};

static void answer(struct hv_vouching *v, bool is_good) {
        TAILQ_REMOVE(v->all, v, entry);
        v->done(v->done_data, is_good);
        free(v);
}

/* No word of the pool's own: it may repeat what was typed. */
static void on_vouched(void *userdata, const struct hv_answer *a) {
        if (a->outcome != HV_POOL_OUTCOME_OK && a->outcome != HV_POOL_OUTCOME_REFUSED)
                hv_log_notice("the pool could not be asked who logs in: %s",
                              a->answered ? "it answers with an error" : a->message);
        answer(userdata, a->outcome == HV_POOL_OUTCOME_OK);
}

void hv_vouch_ask(struct hv_vouchings *all, const struct hv_pool_dialect *dialect, struct hv_pool_peer *peer,
                  const char *name, const char *password, hv_pool_vouch_fn *done, void *done_data) {
        struct hv_vouching *v;

        if (!dialect->vouch) {
                done(done_data, false);
                return;
        }
        v = HV_NEW(struct hv_vouching);
        *v = (struct hv_vouching){ .all = all, .done = done, .done_data = done_data };
        TAILQ_INSERT_TAIL(all, v, entry);
        dialect->vouch(peer, name, password, on_vouched, v);
}

void hv_vouch_end(struct hv_vouchings *all) {
        struct hv_vouching *v;

        while ((v = TAILQ_FIRST(all)))
                answer(v, false);
}
