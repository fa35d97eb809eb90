/* pool/inbox.c - see inbox.h. */
#include "pool/inbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"

#define TEMPORARY_PREFIX "new."
#define CUT_MAX 32 /* each has an open file */
#define DIGEST_LEN (HV_SHA256_HEX_SIZE - 1)

struct hv_inbox_blob {
        TAILQ_ENTRY(hv_inbox_blob) entry; /* of inbox->cut, while it is left */
        struct hv_inbox *inbox;
        bool is_cut; /* waits in inbox->cut */
        int fd;
        char name[32];                     /* the temporary one */
        char expected[HV_SHA256_HEX_SIZE]; /* "": whatever it is */
        uint64_t size_bytes;               /* announced; UINT64_MAX: not */
        uint64_t offset;
        struct hv_sha256 hash;
};

/* What makes a blob durable; outlives the inbox when it must. */
struct finishing {
        TAILQ_ENTRY(finishing) entry;
        struct hv_inbox *inbox; /* NULL: it has gone */
        int fd, dir_fd;
        char temporary[32], name[HV_SHA256_HEX_SIZE];
        uint64_t size_bytes;
        bool ran; /* of run_finish() */
        int error;
        char message[128];
        hv_inbox_done_fn *done; /* NULL: nobody waits */
        void *userdata;
};

struct known { /* a blob that is there */
        uint64_t size_bytes;
        unsigned n_holds;
};

struct hv_inbox {
        int dir_fd;
        char *path;
        uint64_t max_bytes, used_bytes;
        uint64_t next_name;
        struct hv_map *blobs;            /* digest: struct known */
        struct hv_map *incoming;         /* digest: struct hv_inbox_blob that is being received */
        TAILQ_HEAD(, hv_inbox_blob) cut; /* the longest ago first */
        unsigned n_cut;
        TAILQ_HEAD(, finishing) finishing;
        void (*work)(void *userdata, void (*run)(void *data), void (*done)(void *data), void *data);
        void *userdata;
};

static bool is_digest(const char *text) {
        return strlen(text) == DIGEST_LEN && strspn(text, "0123456789abcdef") == DIGEST_LEN;
}

/* --- the directory --- */

static void note_file(struct hv_inbox *i, const char *name) {
        struct stat st;
        struct known *k;

        if (!is_digest(name)) {
                if (hv_has_prefix(name, TEMPORARY_PREFIX))
                        (void) unlinkat(i->dir_fd, name, 0);
                return;
        }
        if (fstatat(i->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
                return;
        k = HV_NEW(struct known);
        k->size_bytes = (uint64_t) st.st_size;
        i->used_bytes += k->size_bytes;
        hv_map_put(i->blobs, name, k);
}

static int read_directory(struct hv_inbox *i, struct hv_err *err) {
        int fd = openat(i->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);

        if (!dir)
                return hv_err_errno(err, -errno, "inbox %s", i->path);
        for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
                note_file(i, e->d_name);
        (void) closedir(dir);
        return 0;
}

static int open_directory(const char *path, int *ret, struct hv_err *err) {
        struct stat st;

        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "inbox %s cannot be made", path);
        *ret = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (*ret < 0)
                return hv_err_errno(err, -errno, "inbox %s cannot be opened", path);
        if (fstat(*ret, &st) < 0 || ((st.st_mode & 077) && fchmod(*ret, 0700) < 0))
                return hv_err_errno(err, -errno, "inbox %s must be of mode 0700", path);
        return 0;
}

int hv_inbox_new(const struct hv_inbox_options *options, struct hv_inbox **ret, struct hv_err *err) {
        _hv_cleanup_(hv_inbox_freep) struct hv_inbox *i = HV_NEW(struct hv_inbox);
        int r;

        i->dir_fd = -1;
        i->path = hv_strdup(options->path);
        i->max_bytes = options->max_bytes ? options->max_bytes : HV_INBOX_MAX_BYTES;
        i->work = options->work;
        i->userdata = options->userdata;
        i->blobs = hv_map_new(free);
        i->incoming = hv_map_new(NULL);
        TAILQ_INIT(&i->cut);
        TAILQ_INIT(&i->finishing);
        r = open_directory(options->path, &i->dir_fd, err);
        if (r == 0)
                r = read_directory(i, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(i);
        return 0;
}

struct hv_inbox *hv_inbox_free(struct hv_inbox *i) {
        struct finishing *f;

        if (!i)
                return NULL;
        while (!TAILQ_EMPTY(&i->cut))
                hv_inbox_blob_drop(TAILQ_FIRST(&i->cut));
        while ((f = TAILQ_FIRST(&i->finishing))) {
                TAILQ_REMOVE(&i->finishing, f, entry);
                f->inbox = NULL;
        }
        hv_map_free(i->blobs);
        hv_map_free(i->incoming);
        hv_fd_closep(&i->dir_fd);
        free(i->path);
        free(i);
        return NULL;
}

bool hv_inbox_has(const struct hv_inbox *i, const char *sha256) {
        return hv_map_get(i->blobs, sha256) != NULL;
}

uint64_t hv_inbox_size_bytes(const struct hv_inbox *i) {
        return i->used_bytes;
}

int hv_inbox_open(const struct hv_inbox *i, const char *sha256, int *ret_fd, struct hv_err *err) {
        int fd;

        if (!is_digest(sha256))
                return hv_err_set(err, -EINVAL, "an input of the inbox is named by 64 hex digits");
        fd = openat(i->dir_fd, sha256, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return hv_err_errno(err, -errno, "input %s of the inbox", sha256);
        *ret_fd = fd;
        return 0;
}

/* --- one blob --- */

/* Neither received nor cut any more. */
static void come_off(struct hv_inbox_blob *b) {
        if (b->is_cut) {
                TAILQ_REMOVE(&b->inbox->cut, b, entry);
                b->inbox->n_cut--;
        } else if (*b->expected) {
                (void) hv_map_remove(b->inbox->incoming, b->expected);
        }
        b->is_cut = false;
}

static struct hv_inbox_blob *find_cut(const struct hv_inbox *i, const char *sha256) {
        struct hv_inbox_blob *b;

        TAILQ_FOREACH (b, &i->cut, entry)
                if (hv_streq(b->expected, sha256))
                        return b;
        return NULL;
}

static int begin(struct hv_inbox *i, const char *sha256, uint64_t size_bytes, struct hv_inbox_blob **ret,
                 struct hv_err *err) {
        struct hv_inbox_blob *b = HV_NEW(struct hv_inbox_blob);
        int r;

        (void) snprintf(b->name, sizeof b->name, TEMPORARY_PREFIX "%llu",
                        (unsigned long long) i->next_name++);
        b->fd = openat(i->dir_fd, b->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (b->fd < 0) {
                r = hv_err_errno(err, -errno, "inbox %s: a file cannot be made", i->path);
                free(b);
                return r;
        }
        b->inbox = i;
        b->size_bytes = size_bytes;
        (void) snprintf(b->expected, sizeof b->expected, "%s", sha256 ? sha256 : "");
        hv_sha256_init(&b->hash);
        *ret = b;
        return 0;
}

int hv_inbox_receive(struct hv_inbox *i, const char *sha256, uint64_t size_bytes, struct hv_inbox_blob **ret,
                     struct hv_err *err) {
        struct hv_inbox_blob *b;
        int r;

        if (sha256 && !is_digest(sha256))
                return hv_err_set(err, -EINVAL, "the digest of an input is not 64 lower-case hex digits");
        if (size_bytes != UINT64_MAX && size_bytes > HV_MIN(HV_INBOX_MAX_BLOB_BYTES, i->max_bytes))
                return hv_err_set(err, -EFBIG, "an input of %llu bytes is larger than this node takes (%llu)",
                                  (unsigned long long) size_bytes,
                                  (unsigned long long) HV_MIN(HV_INBOX_MAX_BLOB_BYTES, i->max_bytes));
        if (sha256 && hv_map_get(i->incoming, sha256))
                return hv_err_set(err, -EBUSY, "input %s is on its way already", sha256);
        b = sha256 ? find_cut(i, sha256) : NULL;
        if (b && b->size_bytes != size_bytes) { /* the pool says something else of it now */
                hv_inbox_blob_drop(b);
                b = NULL;
        }
        if (b) {
                come_off(b);
        } else {
                r = begin(i, sha256, size_bytes, &b, err);
                if (r < 0)
                        return r;
        }
        if (sha256)
                hv_map_put(i->incoming, sha256, b);
        *ret = b;
        return 0;
}

uint64_t hv_inbox_blob_offset(const struct hv_inbox_blob *b) {
        return b->offset;
}

/* What was cut is kept as long as nobody needs its room. */
static void make_room(struct hv_inbox *i, size_t len) {
        while (!TAILQ_EMPTY(&i->cut) && (i->used_bytes > i->max_bytes || len > i->max_bytes - i->used_bytes))
                hv_inbox_blob_drop(TAILQ_FIRST(&i->cut));
}

int hv_inbox_blob_add(struct hv_inbox_blob *b, const void *data, size_t len, struct hv_err *err) {
        struct hv_inbox *i = b->inbox;
        uint64_t most = HV_MIN(b->size_bytes, HV_INBOX_MAX_BLOB_BYTES);
        int r;

        if (len > most - b->offset)
                return hv_err_set(err, b->size_bytes == UINT64_MAX ? -EFBIG : -EBADMSG,
                                  "an input has more than the %llu bytes that it may have",
                                  (unsigned long long) most);
        make_room(i, len);
        if (i->used_bytes > i->max_bytes || len > i->max_bytes - i->used_bytes)
                return hv_err_set(err, -ENOSPC, "the inbox %s is full (%llu bytes)", i->path,
                                  (unsigned long long) i->max_bytes);
        r = hv_fd_write(b->fd, data, len);
        if (r < 0)
                return hv_err_errno(err, r, "inbox %s", i->path);
        /* What is on its way to the disk already does not have to be waited for at the end. */
        (void) sync_file_range(b->fd, (off_t) b->offset, (off_t) len, SYNC_FILE_RANGE_WRITE);
        hv_sha256_add(&b->hash, data, len);
        b->offset += len;
        i->used_bytes += len;
        return 0;
}

void hv_inbox_blob_leave(struct hv_inbox_blob *b) {
        struct hv_inbox *i = b->inbox;

        if (!*b->expected || b->offset == 0) {
                hv_inbox_blob_drop(b);
                return;
        }
        come_off(b);
        b->is_cut = true;
        TAILQ_INSERT_TAIL(&i->cut, b, entry);
        if (++i->n_cut > CUT_MAX)
                hv_inbox_blob_drop(TAILQ_FIRST(&i->cut));
}

void hv_inbox_blob_drop(struct hv_inbox_blob *b) {
        come_off(b);
        (void) unlinkat(b->inbox->dir_fd, b->name, 0);
        b->inbox->used_bytes -= b->offset;
        hv_fd_closep(&b->fd);
        free(b);
}

/* --- the end of one --- */

static void run_finish(void *data) {
        struct finishing *f = data;

        f->ran = true;
        if (f->error < 0) { /* known before: only the file has to go */
                (void) unlinkat(f->dir_fd, f->temporary, 0);
                return;
        }
        if (fsync(f->fd) < 0 || renameat(f->dir_fd, f->temporary, f->dir_fd, f->name) < 0 ||
            fsync(f->dir_fd) < 0) {
                f->error = -errno;
                (void) snprintf(f->message, sizeof f->message, "an input cannot be kept: %s",
                                strerror(errno));
                (void) unlinkat(f->dir_fd, f->temporary, 0);
        }
}

static void count_in(struct hv_inbox *i, const struct finishing *f) {
        struct known *k = hv_map_get(i->blobs, f->name);

        if (k) { /* the same came twice: one file */
                i->used_bytes -= f->size_bytes;
        } else {
                k = HV_NEW(struct known);
                k->size_bytes = f->size_bytes;
                hv_map_put(i->blobs, f->name, k);
        }
        k->n_holds++;
}

static void finished(void *data) {
        struct finishing *f = data;
        struct hv_inbox *i = f->inbox;

        if (!f->ran && f->error == 0) {
                f->error = -ECANCELED;
                (void) snprintf(f->message, sizeof f->message, "the node is ending");
        }
        if (i) {
                TAILQ_REMOVE(&i->finishing, f, entry);
                if (f->error == 0)
                        count_in(i, f);
                else
                        i->used_bytes -= f->size_bytes;
                if (f->done)
                        f->done(f->userdata, f->name, f->error, f->message);
                else if (f->error == 0)
                        hv_inbox_release(i, f->name);
        }
        hv_fd_closep(&f->fd);
        hv_fd_closep(&f->dir_fd);
        free(f);
}

static void judge_blob(const struct hv_inbox_blob *b, struct finishing *f) {
        if (b->size_bytes != UINT64_MAX && b->offset != b->size_bytes) {
                f->error = -EBADMSG;
                (void) snprintf(f->message, sizeof f->message, "an input has %llu bytes, %llu were announced",
                                (unsigned long long) b->offset, (unsigned long long) b->size_bytes);
        } else if (*b->expected && !hv_streq(b->expected, f->name)) {
                f->error = -EBADMSG;
                (void) snprintf(f->message, sizeof f->message,
                                "an input has another SHA-256 (%.12s...) than announced (%.12s...)", f->name,
                                b->expected);
        }
}

void hv_inbox_blob_finish(struct hv_inbox_blob *b, hv_inbox_done_fn *done, void *userdata) {
        struct hv_inbox *i = b->inbox;
        struct finishing *f = HV_NEW(struct finishing);

        come_off(b);
        f->inbox = i;
        f->fd = hv_fd_steal(&b->fd);
        f->dir_fd = fcntl(i->dir_fd, F_DUPFD_CLOEXEC, 3);
        f->size_bytes = b->offset;
        f->done = done;
        f->userdata = userdata;
        (void) snprintf(f->temporary, sizeof f->temporary, "%s", b->name);
        hv_sha256_finish_hex(&b->hash, f->name);
        judge_blob(b, f);
        if (f->dir_fd < 0) {
                f->error = -errno;
                (void) snprintf(f->message, sizeof f->message, "an input cannot be kept: %s",
                                strerror(errno));
                (void) unlinkat(i->dir_fd, f->temporary, 0);
        }
        free(b);
        TAILQ_INSERT_TAIL(&i->finishing, f, entry);
        i->work(i->userdata, run_finish, finished, f);
}

void hv_inbox_forget(struct hv_inbox *i, void *userdata) {
        struct finishing *f;

        TAILQ_FOREACH (f, &i->finishing, entry)
                if (f->userdata == userdata)
                        f->done = NULL;
}

/* --- what stays --- */

void hv_inbox_hold(struct hv_inbox *i, const char *sha256) {
        struct known *k = hv_map_get(i->blobs, sha256);

        if (k)
                k->n_holds++;
}

void hv_inbox_release(struct hv_inbox *i, const char *sha256) {
        struct known *k = hv_map_get(i->blobs, sha256);

        if (k && k->n_holds > 0)
                k->n_holds--;
}

void hv_inbox_keep(struct hv_inbox *i, const char *const *sha256, size_t n) {
        _hv_cleanup_(hv_map_freep) struct hv_map *live = hv_map_new(NULL);
        const char *name;
        struct known *k;
        size_t it = 0;

        for (size_t j = 0; j < n; j++)
                hv_map_put(live, sha256[j], i);
        while (hv_map_next(i->blobs, &it, &name, (void **) &k)) {
                if (k->n_holds > 0 || hv_map_get(live, name))
                        continue;
                (void) unlinkat(i->dir_fd, name, 0);
                i->used_bytes -= k->size_bytes;
                (void) hv_map_remove(i->blobs, name);
        }
}
