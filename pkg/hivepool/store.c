/* hivepool/store.c - see store.h. Opening, nodes, and which blobs are used. */
#include "hivepool/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "hivepool/store_private.h"

/* EXCLUSIVE: a second pool on the same folder is refused, for the first one keeps the truth in memory. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA wal_autocheckpoint = 1000;"
                               "PRAGMA journal_size_limit = 4194304;";

/* --- opening --- */

static int make_file(const char *path, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s: cannot open it", path);
        if (!S_ISREG(st.st_mode))
                return hv_err_set(err, -EINVAL, "%s is no regular file", path);
        return 0;
}

static int use_wal(struct hv_db *db, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(db, "PRAGMA journal_mode = WAL", &q);
        r = hv_query_step(&q, err);
        if (r > 0 && !hv_streq(hv_query_get_text(&q), "wal"))
                return hv_err_set(err, -ENOTSUP, "%s: this file system cannot hold it (no write-ahead log)",
                                  db->path);
        return r < 0 ? r : 0;
}

int hv_store_open(const char *dir, struct hv_store **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/" HV_STORE_FILE, dir);
        _hv_cleanup_(hv_store_freep) struct hv_store *s = HV_NEW(struct hv_store);
        int r;

        r = make_file(path, err);
        if (r >= 0)
                r = hv_db_open(path, &s->db, err);
        if (r >= 0)
                r = hv_db_exec(&s->db, settings, err);
        if (r >= 0)
                r = use_wal(&s->db, err);
        if (r >= 0)
                r = hv_db_steps_do(&s->db, &hv_store_steps, err);
        if (r < 0)
                return r;
        hv_db_is_ours(&s->db);
        *ret = HV_STEAL(s);
        return 0;
}

struct hv_store *hv_store_free(struct hv_store *s) {
        if (!s)
                return NULL;
        hv_db_close(&s->db);
        free(s);
        return NULL;
}

int hv_store_begin(struct hv_store *s, struct hv_err *err) {
        return hv_db_begin(&s->db, err);
}

int hv_store_finish(struct hv_store *s, int r, struct hv_err *err) {
        return hv_db_finish(&s->db, r, err);
}

int hv_store_number(struct hv_store *s, uint64_t *ret, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&s->db, "UPDATE counter SET last = last + 1 RETURNING last", &q);
        r = hv_query_step(&q, err);
        if (r > 0)
                *ret = hv_query_get_unsigned(&q);
        return r < 0 ? r : 0;
}

/* --- use of blobs --- */

int hv_store_add_use(struct hv_store *s, const char *sha256, uint64_t task, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "INSERT OR IGNORE INTO use (sha256, task) VALUES (?, ?)", &q);
        hv_query_text(&q, sha256);
        hv_query_unsigned(&q, task);
        return hv_query_run(&q, err);
}

/* --- accounts --- */

int hv_store_balance(struct hv_store *s, const char *account, int64_t first, int64_t *ret,
                     struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&s->db, "SELECT balance FROM account WHERE name = ?", &q);
        hv_query_text(&q, account);
        r = hv_query_step(&q, err);
        if (r >= 0)
                *ret = r > 0 ? hv_query_get_number(&q) : first;
        return r < 0 ? r : 0;
}

int hv_store_set_balance(struct hv_store *s, const char *account, int64_t balance, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db,
                       "INSERT INTO account (name, balance) VALUES (?, ?)"
                       " ON CONFLICT (name) DO UPDATE SET balance = excluded.balance",
                       &q);
        hv_query_text(&q, account);
        hv_query_number(&q, balance);
        return hv_query_run(&q, err);
}

/* --- nodes --- */

int hv_store_put_node(struct hv_store *s, const struct hv_store_node *n, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(
                &s->db,
                "INSERT INTO node (id, dialect, epoch, revision, registered_us, said) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET dialect = excluded.dialect, epoch = excluded.epoch,"
                " revision = excluded.revision, registered_us = excluded.registered_us, said = excluded.said",
                &q);
        hv_query_text(&q, n->id);
        hv_query_number(&q, n->dialect);
        hv_query_unsigned(&q, n->epoch);
        hv_query_unsigned(&q, n->revision);
        hv_query_unsigned(&q, n->registered_us);
        hv_query_bytes(&q, n->said ? n->said : "", n->said_len);
        return hv_query_run(&q, err);
}

int hv_store_set_revision(struct hv_store *s, const char *node, uint64_t revision, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "UPDATE node SET revision = ? WHERE id = ?", &q);
        hv_query_unsigned(&q, revision);
        hv_query_text(&q, node);
        return hv_query_run(&q, err);
}

int hv_store_remove_node(struct hv_store *s, const char *id, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};

        hv_query_start(&s->db, "DELETE FROM node WHERE id = ?", &q);
        hv_query_text(&q, id);
        return hv_query_run(&q, err);
}

int hv_store_nodes(struct hv_store *s, hv_store_node_fn *fn, void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&s->db,
                       "SELECT id, dialect, epoch, revision, registered_us, said FROM node ORDER BY id", &q);
        while ((r = hv_query_step(&q, err)) > 0) {
                struct hv_store_node n = {};

                n.id = hv_query_get_text(&q);
                n.dialect = (enum hv_store_dialect) hv_query_get_number(&q);
                n.epoch = hv_query_get_unsigned(&q);
                n.revision = hv_query_get_unsigned(&q);
                n.registered_us = hv_query_get_unsigned(&q);
                n.said = hv_query_get_bytes(&q, &n.said_len);
                if (HV_STORE_SHOW(s, fn(userdata, &n)) != 0)
                        break;
        }
        return r;
}
