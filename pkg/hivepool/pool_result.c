/* hivepool/pool_result.c - results and logs: whose they are, and when they count. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "hivepool/pool_private.h"

/* --- whose attempt --- */

static bool is_current(const struct hv_pool_live *t, const struct hv_hivepool_claim *c) {
        return t && t->node && hv_streq(t->node->id, c->node) && (c->lease == 0 || c->lease == t->lease) &&
               (c->attempt == 0 || c->attempt == t->n_attempts);
}

/* What is known of the attempt that is claimed, if it is over. */
struct past {
        const struct hv_hivepool_claim *claim;
        const char *key, *sha256; /* of the result that comes */
        uint64_t seq;
        unsigned n_attempts;
        enum hv_lease_task state;
        bool is_known, is_same, was_lost;
        unsigned number;
        char holder[HV_HIVEPOOL_NODE_ID_MAX + 1];
};

static int see_task(void *userdata, const struct hv_store_task *t) {
        struct past *past = userdata;

        past->seq = t->seq;
        past->n_attempts = t->n_attempts;
        past->state = t->state;
        (void) snprintf(past->holder, sizeof past->holder, "%s", t->node ? t->node : "");
        return 0;
}

static int see_attempt(void *userdata, const struct hv_store_attempt *a) {
        struct past *past = userdata;
        const struct hv_hivepool_claim *c = past->claim;

        if (!hv_streq(a->node, c->node) || (c->lease > 0 && c->lease != a->lease) ||
            (c->attempt > 0 && c->attempt != a->number) || !a->is_over)
                return 0;
        past->is_known = true;
        past->number = a->number;
        past->was_lost = a->end == HV_LEASE_END_LOST;
        /* A node that sends no key says the same thing by sending the same bytes. */
        past->is_same = !past->was_lost && (past->key && a->key ? hv_streq(past->key, a->key)
                                                                : hv_streq(past->sha256, a->result));
        return past->is_same ? 1 : 0;
}

static int look_back(struct hv_hivepool *p, struct past *past, struct hv_err *err) {
        int r = hv_store_find_task(p->store, past->claim->task, see_task, past, err);

        return r <= 0 ? r : hv_store_attempts(p->store, past->seq, see_attempt, past, err);
}

static enum hv_hivepool_answer refuse(const struct past *past, struct hv_err *err) {
        const struct hv_hivepool_claim *c = past->claim;

        if (past->seq == 0)
                (void) hv_err_set(err, -ENOENT, "this pool knows no task %.64s", c->task);
        else if (past->is_known && past->was_lost)
                (void) hv_err_set(
                        err, -ESTALE,
                        "attempt %u of task %.64s was taken from node %.100s, which was not heard of for "
                        "too long; the task is %s%s%.100s",
                        past->number, c->task, c->node, hv_lease_task_name(past->state),
                        past->state == HV_LEASE_ASSIGNED ? ", with node " : "",
                        past->state == HV_LEASE_ASSIGNED ? past->holder : "");
        else if (past->is_known)
                (void) hv_err_set(err, -EEXIST, "attempt %u of task %.64s has another result already",
                                  past->number, c->task);
        else
                (void) hv_err_set(err, -ESTALE,
                                  "task %.64s was never given to node %.100s with lease %" PRIu64
                                  ", attempt %u",
                                  c->task, c->node, c->lease, c->attempt);
        return HV_HIVEPOOL_REFUSED;
}

/* --- logs --- */

static void name_log(char ret[64], uint64_t seq, unsigned attempt) {
        (void) snprintf(ret, 64, "%" PRIu64 ".%u", seq, attempt);
}

static int log_file(struct hv_hivepool *p, uint64_t seq, unsigned attempt, int flags) {
        char name[64];

        name_log(name, seq, attempt);
        return openat(p->logs_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0600);
}

int hv_hivepool_open_log(struct hv_hivepool *p, uint64_t task_seq, unsigned attempt) {
        return log_file(p, task_seq, attempt, O_RDONLY);
}

/* What is there already is not written again; what would leave a gap is asked for anew. */
static int append(struct hv_hivepool *p, int fd, uint64_t offset, const char *data, size_t len,
                  uint64_t *ret_next, struct hv_err *err) {
        struct stat st;
        uint64_t size, known;
        int r;

        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "a log cannot be looked at");
        size = (uint64_t) st.st_size;
        if (size >= p->options.max_log_bytes) { /* enough is kept: the rest is taken and dropped */
                *ret_next = hv_time_add(offset, len);
                return 0;
        }
        if (offset > size || len <= size - offset) {
                *ret_next = size;
                return 0;
        }
        known = size - offset;
        if (lseek(fd, (off_t) size, SEEK_SET) < 0)
                return hv_err_errno(err, -errno, "a log cannot be written");
        r = hv_fd_write(fd, data + known, len - (size_t) known);
        if (r < 0) /* what did get there is known the next time by the file's length */
                return hv_err_errno(err, r, "a log cannot be written");
        *ret_next = offset + len;
        return 0;
}

struct kept_log {
        unsigned attempt, number;
};

static int see_log(void *userdata, const struct hv_store_attempt *a) {
        struct kept_log *k = userdata;

        if (a->number != k->attempt)
                return 0;
        k->number = a->log_number;
        return 1;
}

/* Of what a node tries more than once the last try's log is kept, and nothing of those before it. Another file, not a shorter
 * one: somebody may be reading it, out of a mapping. */
static int follow_try(struct hv_hivepool *p, uint64_t seq, unsigned attempt, unsigned number,
                      struct hv_err *err) {
        struct kept_log kept = { .attempt = attempt };
        char name[64];
        int r;

        if (number == 0)
                return 0;
        r = hv_store_attempts(p->store, seq, see_log, &kept, err);
        if (r < 0 || number == kept.number)
                return r;
        if (number < kept.number)
                return hv_err_set(err, -ESTALE, "that was the log of try %u, and try %u has begun", number,
                                  kept.number);
        name_log(name, seq, attempt);
        if (unlinkat(p->logs_fd, name, 0) < 0 && errno != ENOENT)
                return hv_err_errno(err, -errno, "a log cannot be begun anew");
        return hv_store_set_log_number(p->store, seq, attempt, number, err);
}

int hv_hivepool_log(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_claim *c,
                    uint64_t offset, const void *data, size_t len, uint64_t *ret_next, struct hv_err *err) {
        const struct hv_pool_live *t = hv_map_get(p->live, c->task);
        struct past past = { .claim = c };
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        uint64_t seq;
        unsigned number;
        int r;

        if (is_current(t, c)) {
                hv_pool_hear(p, t->node, now_us);
                seq = t->ask.seq;
                number = t->n_attempts;
        } else {
                r = look_back(p, &past, err);
                if (r < 0)
                        return r;
                if (!past.is_known || past.was_lost) {
                        (void) refuse(&past, err);
                        return -ESTALE;
                }
                seq = past.seq;
                number = past.number;
        }
        r = follow_try(p, seq, number, c->number, err);
        if (r < 0)
                return r;
        fd = log_file(p, seq, number, O_WRONLY | O_CREAT);
        if (fd < 0)
                return hv_err_errno(err, -errno, "the log of task %.64s cannot be opened", c->task);
        r = append(p, fd, offset, data, len, ret_next, err);
        /* What comes after the end is not sent a second time. */
        if (r >= 0 && seq == past.seq && fdatasync(fd) < 0)
                r = hv_err_errno(err, -errno, "the log of task %.64s cannot be brought to disk", c->task);
        return r;
}

/* The log of an attempt that ends, on disk: all that came, or the end of it that the result brings. */
static int finish_log(struct hv_hivepool *p, const struct hv_pool_live *t,
                      const struct hv_hivepool_result *res, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = log_file(p, t->ask.seq, t->n_attempts, O_WRONLY | O_CREAT);
        struct stat st;
        uint64_t next;
        int r = 0;

        if (fd < 0 || fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "the log of task %s cannot be opened", t->id);
        if (st.st_size == 0 && res->log_len > 0)
                r = append(p, fd, 0, res->log, res->log_len, &next, err);
        if (r >= 0 && fdatasync(fd) < 0)
                r = hv_err_errno(err, -errno, "the log of task %s cannot be brought to disk", t->id);
        return r;
}

/* --- results --- */

static int commit(struct hv_hivepool *p, struct hv_pool_live *t, const struct hv_hivepool_result *res,
                  const char *sha256, uint64_t size, struct hv_err *err) {
        struct hv_pool_ending e = { .task = t,
                                    .attempt = { .end = res->end,
                                                 .state = res->state,
                                                 .reason = res->reason,
                                                 .exit_code = res->exit_code,
                                                 .key = res->key,
                                                 .receipt = res->receipt,
                                                 .result = sha256,
                                                 .result_bytes = size },
                                    .message = res->reason };
        struct hv_pool_node_entry *n = t->node;
        uint64_t revision = 0;
        int r;

        r = finish_log(p, t, res, err);
        if (r >= 0)
                r = hv_store_begin(p->store, err);
        if (r < 0)
                return r;
        r = hv_pool_write_end(p, &e, err);
        if (r >= 0)
                r = hv_pool_write_revision(p, n, &revision, err);
        r = hv_store_finish(p->store, r, err);
        if (r < 0)
                return r;
        hv_pool_do_end(p, &e);
        hv_pool_do_revision(p, n, revision);
        return HV_HIVEPOOL_COMMITTED;
}

/* Files that cannot be what they are said to be are the node's fault, for good; a full disk is not. */
static int answer_of(int r) {
        return r == -EINVAL || r == -EFBIG ? HV_HIVEPOOL_REFUSED : r;
}

static int take(struct hv_hivepool *p, struct hv_pool_live *t, const struct hv_hivepool_result *res,
                uint64_t *ret_next, struct hv_err *err) {
        char sha256[HV_SHA256_HEX_SIZE];
        int r;

        if (!res->sha256 && res->len == 0)
                return commit(p, t, res, NULL, 0, err);
        if (!res->sha256) {
                r = hv_blobs_put(p->blobs, res->data, res->len, sha256, err);
                return r < 0 ? answer_of(r) : commit(p, t, res, sha256, res->len, err);
        }
        r = hv_blobs_add(p->blobs, res->sha256, t->lease, res->total, res->offset, res->data, res->len,
                         ret_next, err);
        if (r == -EBADMSG) { /* it was damaged on the way: once more, from the beginning */
                *ret_next = 0;
                return HV_HIVEPOOL_GO_ON;
        }
        if (r < 0)
                return answer_of(r);
        return *ret_next < res->total ? HV_HIVEPOOL_GO_ON : commit(p, t, res, res->sha256, res->total, err);
}

/* Of an attempt that is not its any more there is nothing left to be given back: it may say so twice. */
static int take_back(struct hv_hivepool *p, const struct hv_pool_live *t,
                     const struct hv_hivepool_result *res, struct hv_err *err) {
        int r;

        if (!is_current(t, &res->claim))
                return HV_HIVEPOOL_COMMITTED;
        t->node->wants = t->node->slot.is_open = false;
        r = hv_hivepool_give_back(p, t->id, t->lease, res->reason, err);
        return r < 0 ? r : HV_HIVEPOOL_COMMITTED;
}

int hv_hivepool_report(struct hv_hivepool *p, uint64_t now_us, const struct hv_hivepool_result *res,
                       uint64_t *ret_next, struct hv_err *err) {
        struct hv_pool_live *t = hv_map_get(p->live, res->claim.task);
        char sha256[HV_SHA256_HEX_SIZE];
        struct past past = { .claim = &res->claim, .key = res->key, .sha256 = res->sha256 };
        int r;

        *ret_next = 0;
        (void) hv_hivepool_heard(p, now_us, res->claim.node, NULL);
        if (res->is_handed_back)
                return take_back(p, t, res, err);
        if (is_current(t, &res->claim))
                return take(p, t, res, ret_next, err);
        if (!res->sha256 && res->len > 0) {
                hv_sha256_hex(res->data, res->len, sha256);
                past.sha256 = sha256;
        }
        r = look_back(p, &past, err);
        if (r < 0)
                return r;
        if (past.is_same) {
                *ret_next = res->sha256 ? res->total : res->len;
                return HV_HIVEPOOL_COMMITTED;
        }
        return refuse(&past, err);
}
