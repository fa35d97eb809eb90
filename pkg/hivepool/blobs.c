/* hivepool/blobs.c - see blobs.h. */
#include "hivepool/blobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/time.h"

#define SYNC_BYTES (UINT64_C(16) << 20)
#define OPEN_MAX \
        256 /* uploads whose file is open; more of them are closed, and opened again when they go on */
#define NAME_SIZE (HV_SHA256_HEX_SIZE + 24)

/* What is at the end of an upload's file while it grows is not trusted after a crash; `state` beside it says how far the file
 * is on disk. */
struct upload {
        int fd;
        uint64_t total, synced;
        struct hv_sha256 hash; /* its n_bytes is how much there is */
};

struct hv_blobs {
        int blobs_fd, uploads_fd;
        uint64_t max_bytes;
        struct hv_map *uploads; /* by name of the file */
};

struct saved {
        char magic[8];
        uint64_t total;
        struct hv_sha256 hash;
};
static const char magic[8] = "hvupl-1";

/* --- life --- */

static void upload_free(void *p) {
        struct upload *u = p;

        hv_fd_closep(&u->fd);
        free(u);
}

static int open_folder(const char *dir, const char *name, int *ret, struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, name);

        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return hv_err_errno(err, -errno, "%s: cannot make it", path);
        *ret = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return *ret < 0 ? hv_err_errno(err, -errno, "%s: cannot open it", path) : 0;
}

int hv_blobs_new(const char *dir, uint64_t max_bytes, struct hv_blobs **ret, struct hv_err *err) {
        _hv_cleanup_(hv_blobs_freep) struct hv_blobs *b = HV_NEW(struct hv_blobs);
        int r;

        b->blobs_fd = b->uploads_fd = -1;
        b->max_bytes = max_bytes;
        b->uploads = hv_map_new(upload_free);
        r = open_folder(dir, "blobs", &b->blobs_fd, err);
        if (r >= 0)
                r = open_folder(dir, "uploads", &b->uploads_fd, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(b);
        return 0;
}

struct hv_blobs *hv_blobs_free(struct hv_blobs *b) {
        if (!b)
                return NULL;
        (void) hv_map_free(b->uploads);
        hv_fd_closep(&b->blobs_fd);
        hv_fd_closep(&b->uploads_fd);
        free(b);
        return NULL;
}

/* --- whole ones --- */

bool hv_blobs_is_name(const char *sha256) {
        return strspn(sha256, "0123456789abcdef") == HV_SHA256_HEX_SIZE - 1 &&
               !sha256[HV_SHA256_HEX_SIZE - 1];
}

int hv_blobs_open(struct hv_blobs *b, const char *sha256, uint64_t *ret_size) {
        struct stat st;
        int fd;

        if (!hv_blobs_is_name(sha256))
                return -1;
        fd = openat(b->blobs_fd, sha256, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &st) < 0)
                hv_fd_closep(&fd);
        if (fd < 0)
                return -1;
        *ret_size = (uint64_t) st.st_size;
        return fd;
}

void hv_blobs_remove(struct hv_blobs *b, const char *sha256) {
        if (hv_blobs_is_name(sha256))
                (void) unlinkat(b->blobs_fd, sha256, 0);
}

/* --- uploads --- */

static void upload_name(char ret[NAME_SIZE], const char *sha256, uint64_t sender) {
        (void) snprintf(ret, NAME_SIZE, "%s.%" PRIx64, sha256, sender);
}

static void state_name(char ret[NAME_SIZE + 8], const char *name) {
        (void) snprintf(ret, NAME_SIZE + 8, "%s.state", name);
}

static void drop(struct hv_blobs *b, const char *name) {
        char state[NAME_SIZE + 8];

        state_name(state, name);
        (void) unlinkat(b->uploads_fd, state, 0);
        (void) unlinkat(b->uploads_fd, name, 0);
        (void) hv_map_remove(b->uploads, name);
}

/* How far an earlier life of the program came; a fresh hash where nothing usable is there. */
static void recall(struct hv_blobs *b, const char *name, struct upload *u) {
        char state[NAME_SIZE + 8];
        struct saved saved;
        struct stat st;
        int fd;
        bool is_read;

        hv_sha256_init(&u->hash);
        state_name(state, name);
        fd = openat(b->uploads_fd, state, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return;
        is_read = read(fd, &saved, sizeof saved) == (ssize_t) sizeof saved;
        hv_fd_closep(&fd);
        if (!is_read || memcmp(saved.magic, magic, sizeof magic) != 0 || saved.total != u->total)
                return;
        if (fstat(u->fd, &st) == 0 && (uint64_t) st.st_size >= saved.hash.n_bytes)
                u->hash = saved.hash;
        u->synced = u->hash.n_bytes;
}

/* A sender has one upload at a time: what it began before, it has given up. */
static void make_room(struct hv_blobs *b, uint64_t sender) {
        const char *other;
        size_t it = 0;

        if (sender > 0)
                hv_blobs_forget_sender(b, sender);
        if (hv_map_size(b->uploads) >= OPEN_MAX && hv_map_next(b->uploads, &it, &other, NULL))
                (void) hv_map_remove(b->uploads, other);
}

static bool is_begun(const struct hv_blobs *b, const char *name) {
        return faccessat(b->uploads_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int find(struct hv_blobs *b, const char *name, uint64_t sender, uint64_t total, struct upload **ret,
                struct hv_err *err) {
        struct upload *u = hv_map_get(b->uploads, name);

        if (u && u->total == total) {
                *ret = u;
                return 0;
        }
        (void) hv_map_remove(b->uploads, name);
        make_room(b, is_begun(b, name) ? 0 : sender);
        u = HV_NEW(struct upload);
        u->total = total;
        u->fd = openat(b->uploads_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (u->fd < 0) {
                int r = hv_err_errno(err, -errno, "uploads/%s: cannot open it", name);

                upload_free(u);
                return r;
        }
        recall(b, name, u);
        hv_map_put(b->uploads, name, u);
        *ret = u;
        return 0;
}

/* Data first: the state must never say more than is on disk. */
static int save(struct hv_blobs *b, const char *name, struct upload *u, struct hv_err *err) {
        struct saved saved = { .total = u->total, .hash = u->hash };
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char state[NAME_SIZE + 8];

        if (u->hash.n_bytes - u->synced < SYNC_BYTES)
                return 0;
        memcpy(saved.magic, magic, sizeof magic);
        state_name(state, name);
        if (fdatasync(u->fd) < 0)
                return hv_err_errno(err, -errno, "uploads/%s: cannot be brought to disk", name);
        fd = openat(b->uploads_fd, state, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || pwrite(fd, &saved, sizeof saved, 0) != (ssize_t) sizeof saved)
                return hv_err_errno(err, -errno, "uploads/%s: cannot be written", state);
        u->synced = u->hash.n_bytes;
        return 0;
}

static int make_whole(struct hv_blobs *b, const char *name, struct upload *u, const char *sha256,
                      struct hv_err *err) {
        char found[HV_SHA256_HEX_SIZE];
        struct hv_sha256 hash = u->hash;

        hv_sha256_finish_hex(&hash, found);
        if (!hv_streq(found, sha256)) {
                int r = hv_err_set(err, -EBADMSG, "%" PRIu64 " bytes came whose SHA-256 is %s, expected %s",
                                   u->total, found, sha256);

                drop(b, name);
                return r;
        }
        if (ftruncate(u->fd, (off_t) u->total) < 0 || fsync(u->fd) < 0 ||
            renameat(b->uploads_fd, name, b->blobs_fd, sha256) < 0 || fsync(b->blobs_fd) < 0)
                return hv_err_errno(err, -errno, "blobs/%s: cannot be brought to disk", sha256);
        drop(b, name);
        return 0;
}

static int write_piece(struct upload *u, const char *name, const void *data, size_t len, struct hv_err *err) {
        int r;

        if (lseek(u->fd, (off_t) u->hash.n_bytes, SEEK_SET) < 0)
                return hv_err_errno(err, -errno, "uploads/%s: cannot be written", name);
        r = hv_fd_write(u->fd, data, len);
        if (r < 0)
                return hv_err_errno(err, r, "uploads/%s: cannot be written", name);
        hv_sha256_add(&u->hash, data, len);
        return 0;
}

static int check(const struct hv_blobs *b, const char *sha256, uint64_t total, uint64_t offset, size_t len,
                 struct hv_err *err) {
        if (!hv_blobs_is_name(sha256))
                return hv_err_set(err, -EINVAL,
                                  "a SHA-256 is 64 lower-case hex digits, found something else");
        if (total > b->max_bytes)
                return hv_err_set(err, -EFBIG, "%" PRIu64 " bytes are above this pool's limit of %" PRIu64,
                                  total, b->max_bytes);
        if (offset > total || len > total - offset)
                return hv_err_set(err, -EINVAL,
                                  "a piece of %zu bytes at %" PRIu64 " does not lie in the %" PRIu64 " bytes",
                                  len, offset, total);
        return 0;
}

int hv_blobs_add(struct hv_blobs *b, const char *sha256, uint64_t sender, uint64_t total, uint64_t offset,
                 const void *data, size_t len, uint64_t *ret_next, struct hv_err *err) {
        char name[NAME_SIZE];
        struct upload *u = NULL;
        uint64_t size;
        int fd, r;

        r = check(b, sha256, total, offset, len, err);
        if (r < 0)
                return r;
        fd = hv_blobs_open(b, sha256, &size);
        if (fd >= 0) {
                (void) futimens(fd, NULL); /* wanted again: hv_blobs_clean() must not take it just now */
                hv_fd_closep(&fd);
                if (size != total)
                        return hv_err_set(err, -EBADMSG, "%s is there, with %" PRIu64 " bytes, not %" PRIu64,
                                          sha256, size, total);
                *ret_next = total;
                return 0;
        }
        upload_name(name, sha256, sender);
        r = find(b, name, sender, total, &u, err);
        if (r >= 0 && offset == u->hash.n_bytes && len > 0)
                r = write_piece(u, name, data, len, err);
        if (r < 0)
                return r;
        *ret_next = u->hash.n_bytes;
        return u->hash.n_bytes == total ? make_whole(b, name, u, sha256, err) : save(b, name, u, err);
}

int hv_blobs_put(struct hv_blobs *b, const void *data, size_t len, char ret_sha256[HV_SHA256_HEX_SIZE],
                 struct hv_err *err) {
        uint64_t next;

        hv_sha256_hex(data, len, ret_sha256);
        return hv_blobs_add(b, ret_sha256, 0, len, 0, data, len, &next, err);
}

/* Each file of a folder; of one that cannot be read, none. */
static void walk(int folder_fd, void (*fn)(void *userdata, const char *name), void *userdata) {
        int fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *e;

        if (!d) {
                hv_fd_closep(&fd);
                return;
        }
        while ((e = readdir(d)))
                if (e->d_name[0] != '.')
                        fn(userdata, e->d_name);
        (void) closedir(d);
}

struct forgetting {
        struct hv_blobs *b;
        char suffix[24];
};

static void forget(void *userdata, const char *file) {
        struct forgetting *f = userdata;
        char name[NAME_SIZE];

        if (strlen(file) < HV_SHA256_HEX_SIZE || !hv_streq(file + HV_SHA256_HEX_SIZE - 1, f->suffix))
                return;
        (void) snprintf(name, sizeof name, "%.*s", (int) sizeof name - 1, file);
        drop(f->b, name);
}

void hv_blobs_forget_sender(struct hv_blobs *b, uint64_t sender) {
        struct forgetting f = { .b = b };

        (void) snprintf(f.suffix, sizeof f.suffix, ".%" PRIx64, sender);
        walk(b->uploads_fd, forget, &f);
}

/* --- what nobody wants any more --- */

struct cleaning {
        struct hv_blobs *b;
        uint64_t before_us;
        bool (*is_used)(void *userdata, const char *sha256);
        void *userdata;
};

static bool is_older(int folder_fd, const char *name, uint64_t before_us) {
        struct stat st;

        return fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_mtim.tv_sec >= 0 &&
               (uint64_t) st.st_mtim.tv_sec < before_us / HV_USEC_PER_SEC;
}

/* The state goes with its file, and alone when that is not there. */
static void clean_upload(void *userdata, const char *file) {
        static const char state[] = ".state";
        size_t len = strlen(file), tail = sizeof state - 1;
        struct cleaning *c = userdata;
        char name[NAME_SIZE];

        if (len > tail && hv_streq(file + len - tail, state))
                len -= tail;
        (void) snprintf(name, sizeof name, "%.*s", (int) HV_MIN(len, sizeof name - 1), file);
        if (!is_begun(c->b, name) || is_older(c->b->uploads_fd, name, c->before_us))
                drop(c->b, name);
}

static void clean_blob(void *userdata, const char *file) {
        struct cleaning *c = userdata;

        if (hv_blobs_is_name(file) && is_older(c->b->blobs_fd, file, c->before_us) &&
            !c->is_used(c->userdata, file))
                hv_blobs_remove(c->b, file);
}

void hv_blobs_clean(struct hv_blobs *b, uint64_t before_us,
                    bool (*is_used)(void *userdata, const char *sha256), void *userdata) {
        struct cleaning c = { .b = b, .before_us = before_us, .is_used = is_used, .userdata = userdata };

        walk(b->uploads_fd, clean_upload, &c);
        if (is_used)
                walk(b->blobs_fd, clean_blob, &c);
}
