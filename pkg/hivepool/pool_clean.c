/* hivepool/pool_clean.c - what is not kept for ever: results that are old enough, uploads that nobody goes on with, files that a
 * crash left without an owner. */
#include "hivepool/pool_private.h"

#define N_A_TURN 32 /* tasks: each is a change on the disk */

struct old {
        HV_VEC(char *) ids;
};

static int note(void *userdata, const struct hv_store_task *t) {
        struct old *o = userdata;

        hv_vec_push(&o->ids, hv_strdup(t->id));
        return 0;
}

int hv_hivepool_expire(struct hv_hivepool *p, uint64_t before_us, struct hv_err *err) {
        struct old old = {};
        bool more;
        int r;

        r = hv_store_old_tasks(p->store, before_us, N_A_TURN, note, &old, err);
        more = old.ids.n == N_A_TURN;
        for (size_t i = 0; i < old.ids.n; i++) {
                if (r >= 0)
                        r = hv_hivepool_remove(p, old.ids.v[i], err);
                free(old.ids.v[i]);
        }
        hv_vec_done(&old.ids);
        return r < 0 ? r : more;
}

/* What cannot be found out is taken to be used. */
static bool is_used(void *userdata, const char *sha256) {
        struct hv_hivepool *p = userdata;

        return hv_store_is_used(p->store, sha256, NULL) != 0;
}

void hv_hivepool_clean(struct hv_hivepool *p, uint64_t before_us, bool thoroughly) {
        hv_blobs_clean(p->blobs, before_us, thoroughly ? is_used : NULL, p);
}
