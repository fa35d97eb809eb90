/* ledger/ledger.c - see ledger.h. Opening, in this order: what kind of file it is, whose schema, whether it is whole, and
 * only then the first change.
 */
#include "ledger/ledger.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "ledger/private.h"
#include "ledger/schema.h"

/* The file's header, sqlite.org/fileformat section 1.3. */
#define HEADER_BYTES 100
#define LOG_HEADER_BYTES 32            /* of the write-ahead log, section 4.1 */
#define HEADER_MAGIC "SQLite format 3" /* with its terminator: 16 bytes */
#define HEADER_USER_VERSION_AT 60
#define HEADER_APPLICATION_ID_AT 68

/* A page cache of 512 KiB: what is asked for often is little, and the kernel has the rest.
 * The WAL is carried over into the file at each 1,000 pages (4 MiB) and not kept longer than that. No temporary file: a
 * full disk must not hinder a read. */
static const char settings[] = "PRAGMA synchronous = FULL;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -512;"
                               "PRAGMA wal_autocheckpoint = 1000;"
                               "PRAGMA journal_size_limit = 4194304;";

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* --- the file --- */

/* Changes in the log of a file that is missing or empty: SQLite would throw them away. A log's header alone (32 bytes) is what
 * a power cut may leave while a ledger is made. */
static int expect_no_log(int dir_fd, const char *path, struct hv_err *err) {
        struct stat st;

        if (fstatat(dir_fd, HV_LEDGER_FILE "-wal", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_size > LOG_HEADER_BYTES)
                return hv_err_set(
                        err, -EBADMSG,
                        "%s is missing or empty, but its log %s-wal is there: restore both, or put the log aside",
                        path, path);
        return 0;
}

static int make_file(int dir_fd, const char *path, struct hv_err *err) {
        _hv_cleanup_(close_fd) int fd = -1;

        fd = openat(dir_fd, HV_LEDGER_FILE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || fchmod(fd, 0600) < 0 || fsync(dir_fd) < 0)
                return hv_err_errno(err, -errno, "%s: cannot make it", path);
        return 0;
}

/* A newer ledger is known by its header, so that SQLite need not even open it. */
static int check_header(int fd, const char *path, struct hv_err *err) {
        unsigned char header[HEADER_BYTES];
        uint32_t version, application;

        if (pread(fd, header, sizeof header, 0) != (ssize_t) sizeof header ||
            memcmp(header, HEADER_MAGIC, sizeof HEADER_MAGIC) != 0)
                return 0; /* SQLite says what it is; a crash may have left a header to be mended */
        memcpy(&version, header + HEADER_USER_VERSION_AT, sizeof version);
        memcpy(&application, header + HEADER_APPLICATION_ID_AT, sizeof application);
        if (be32toh(application) == HV_LEDGER_APPLICATION_ID && be32toh(version) > hv_ledger_steps.n)
                return hv_err_set(
                        err, -ENOTSUP,
                        "%s was written by a newer hivelet: its schema is version %u, this program knows up to "
                        "%u; nothing was touched",
                        path, be32toh(version), hv_ledger_steps.n);
        return 0;
}

static int check_file(int fd, int dir_fd, const char *path, struct hv_err *err) {
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "%s: cannot look at it", path);
        if (!S_ISREG(st.st_mode))
                return hv_err_set(err, -EINVAL, "%s is no regular file", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return hv_err_set(err, -EPERM, "%s belongs to uid %u, expected root or uid %u", path,
                                  (unsigned) st.st_uid, (unsigned) geteuid());
        r = st.st_size == 0 ? expect_no_log(dir_fd, path, err) : 0;
        if (r < 0)
                return r;
        r = check_header(fd, path, err);
        if (r < 0)
                return r;
        if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
                return hv_err_errno(err, -errno, "%s: cannot set its mode to 0600", path);
        return 0;
}

/* Makes the file where there is none. It is closed again before SQLite opens it: closing any descriptor of a file drops the
 * locks that the process holds on it (fcntl(2)). */
static int prepare_file(const char *dir, const char *path, struct hv_err *err) {
        _hv_cleanup_(close_fd) int dir_fd = -1;
        _hv_cleanup_(close_fd) int fd = -1;
        int r;

        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return hv_err_errno(err, -errno, "%s: cannot open the directory", dir);
        fd = openat(dir_fd, HV_LEDGER_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 && errno == ENOENT) {
                r = expect_no_log(dir_fd, path, err);
                return r < 0 ? r : make_file(dir_fd, path, err);
        }
        if (fd < 0 && errno == ELOOP)
                return hv_err_set(err, -ELOOP, "%s is a link, expected a file (links are not followed)",
                                  path);
        if (fd < 0)
                return hv_err_errno(err, -errno, "%s: cannot open it", path);
        return check_file(fd, dir_fd, path, err);
}

/* --- what is in it --- */

static int check_whole(struct hv_db *db, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const char *finding;
        int r;

        hv_query_start(db, "PRAGMA quick_check(1)", &q);
        r = hv_query_step(&q, err);
        if (r <= 0)
                return r;
        finding = hv_query_get_text(&q);
        if (hv_streq(finding, "ok"))
                return 0;
        return hv_err_set(err, -EBADMSG,
                          "%s is damaged (%s): restore a backup or put it aside; it is left as it is",
                          db->path, finding ? finding : "no answer");
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

/* Whose ledger it is to be. */
struct owner {
        const char *node_id;
        uint64_t now_wall_us;
        bool may_change;
};

/* 1: it is bound to this node already. */
static int check_node(struct hv_db *db, const struct owner *owner, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        const char *found;
        int r;

        hv_query_start(db, "SELECT id FROM node", &q);
        r = hv_query_step(&q, err);
        if (r <= 0)
                return r;
        found = hv_query_get_text(&q);
        if (hv_streq(found, owner->node_id))
                return 1;
        if (owner->may_change)
                return 0;
        return hv_err_set(err, -EPERM,
                          "%s is the ledger of node \"%s\", this is node \"%s\": it is left as it is",
                          db->path, found, owner->node_id);
}

static int bind_node(struct hv_db *db, const struct owner *owner, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        r = check_node(db, owner, err);
        if (r != 0)
                return r;
        hv_query_start(db,
                       "INSERT INTO node (one, id, bound_us) VALUES (1, ?, ?) ON CONFLICT (one)"
                       " DO UPDATE SET id = excluded.id, bound_us = excluded.bound_us",
                       &q);
        hv_query_text(&q, owner->node_id);
        hv_query_unsigned(&q, owner->now_wall_us);
        return hv_query_run(&q, err);
}

static int open_db(struct hv_db *db, const struct owner *owner, struct hv_err *err) {
        unsigned version = 0;
        int r;

        r = hv_db_exec(db, settings, err);
        if (r >= 0)
                r = hv_db_steps_check(db, &hv_ledger_steps, &version, err);
        if (r >= 0)
                r = check_whole(db, err);
        if (r >= 0 && version > 0)
                r = check_node(db, owner, err);
        if (r >= 0)
                r = use_wal(db, err);
        if (r >= 0)
                r = hv_db_steps_do(db, &hv_ledger_steps, err);
        if (r >= 0)
                r = bind_node(db, owner, err);
        if (r >= 0) /* from here on the log is carried over when the ledger is closed */
                hv_db_is_ours(db);
        return r;
}

static int open_file(const char *dir, const struct owner *owner, struct hv_ledger **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/" HV_LEDGER_FILE, dir);
        _hv_cleanup_(hv_ledger_freep) struct hv_ledger *l = HV_NEW(struct hv_ledger);
        int r;

        if (hv_str_empty(owner->node_id))
                return hv_err_set(err, -EINVAL, "%s: a ledger needs the id of its node", path);
        r = prepare_file(dir, path, err);
        if (r >= 0)
                r = hv_db_open(path, &l->db, err);
        if (r >= 0)
                r = open_db(&l->db, owner, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(l);
        return 0;
}

int hv_ledger_open(const char *dir, const char *node_id, uint64_t now_wall_us, struct hv_ledger **ret,
                   struct hv_err *err) {
        const struct owner owner = { .node_id = node_id, .now_wall_us = now_wall_us };

        return open_file(dir, &owner, ret, err);
}

int hv_ledger_adopt(const char *dir, const char *node_id, uint64_t now_wall_us, struct hv_ledger **ret,
                    struct hv_err *err) {
        const struct owner owner = { .node_id = node_id, .now_wall_us = now_wall_us, .may_change = true };

        return open_file(dir, &owner, ret, err);
}

struct hv_ledger *hv_ledger_free(struct hv_ledger *l) {
        if (!l)
                return NULL;
        hv_db_close(&l->db);
        free(l);
        return NULL;
}

const char *hv_ledger_path(const struct hv_ledger *l) {
        return l->db.path;
}

int hv_ledger_find(struct hv_ledger *l, const char *id, struct hv_task_row *ret, struct hv_err *err) {
        _hv_cleanup_(hv_query_end) struct hv_query q = {};
        int r;

        hv_query_start(&l->db, "SELECT seq, ended_us IS NOT NULL FROM task WHERE id = ?", &q);
        hv_query_text(&q, id);
        r = hv_query_step(&q, err);
        if (r == 0)
                return hv_err_set(err, -ENOENT, "task %s is not known", id ? id : "");
        if (r < 0)
                return r;
        ret->seq = hv_query_get_number(&q);
        ret->is_ended = hv_query_get_number(&q) != 0;
        return 0;
}
