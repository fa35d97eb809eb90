/* hivepool/pool_account.c - what accounts have. Nobody is charged; they give to each other what they have. */
#include <errno.h>
#include <inttypes.h>

#include "hivepool/pool_private.h"

#define FIRST_BALANCE 1000 /* of every account */

int hv_hivepool_balance(struct hv_hivepool *p, const char *account, int64_t *ret, struct hv_err *err) {
        return hv_store_balance(p->store, account, FIRST_BALANCE, ret, err);
}

static int transfer(struct hv_hivepool *p, const char *from, const char *to, int64_t amount,
                    struct hv_err *err) {
        int64_t has = 0, had = 0, gets;
        int r;

        r = hv_hivepool_balance(p, from, &has, err);
        if (r >= 0)
                r = hv_hivepool_balance(p, to, &had, err);
        if (r < 0)
                return r;
        if (has < amount)
                return hv_err_set(err, -EINVAL, "%s has %" PRId64 ", less than %" PRId64, from, has, amount);
        if (__builtin_add_overflow(had, amount, &gets))
                return hv_err_set(err, -EINVAL, "%s has too much to get more", to);
        r = hv_store_set_balance(p->store, from, has - amount, err);
        return r < 0 ? r : hv_store_set_balance(p->store, to, gets, err);
}

int hv_hivepool_transfer(struct hv_hivepool *p, const char *from, const char *to, int64_t amount,
                         struct hv_err *err) {
        int r;

        if (amount <= 0)
                return hv_err_set(err, -EINVAL, "amount: expected at least 1, found %" PRId64, amount);
        if (hv_streq(from, to))
                return hv_err_set(err, -EINVAL, "receiver_username: an account gives nothing to itself");
        r = hv_store_begin(p->store, err);
        if (r >= 0)
                r = hv_store_finish(p->store, transfer(p, from, to, amount, err), err);
        return r < 0 ? r : 0;
}
