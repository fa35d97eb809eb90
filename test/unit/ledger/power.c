/* power.c - see power.h. */
#include "power.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#include "testing.h"

#include "base/buf.h"
#include "base/rng.h"
#include "base/vec.h"

#define SECTOR 512

enum op_type { OP_CREATE, OP_WRITE, OP_TRUNCATE, OP_DELETE };

struct op {
        enum op_type type;
        size_t offset; /* of a truncation: the new size */
        struct hv_buf data;
};

struct content {
        bool exists;
        struct hv_buf bytes;
};

/* A name in the directory. */
struct image {
        char name[32];
        bool exists; /* for the program */
        struct content durable;
        HV_VEC(struct op) pending;
};

static struct {
        sqlite3_vfs vfs, *real;
        char dir[128];
        struct image images[8];
        unsigned n_images;

        unsigned n_operations, cut_at, fail_at;
        int fail_errno, last_errno;
        bool is_persistent, is_cut, has_struck;
} disk;

struct shim_file {
        sqlite3_file base;
        struct image *image; /* NULL: a file without a name, which no power cut outlives */
        sqlite3_file *real;
};

/* --- what happened --- */

/* Counts an operation; SQLITE_OK when it may be done. */
static int operate(int rc) {
        disk.n_operations++;
        if (disk.cut_at > 0 && disk.n_operations >= disk.cut_at) {
                disk.is_cut = disk.has_struck = true;
                errno = disk.last_errno = EIO;
                return rc;
        }
        if (disk.fail_at > 0 &&
            (disk.is_persistent ? disk.n_operations >= disk.fail_at : disk.n_operations == disk.fail_at)) {
                disk.has_struck = true;
                errno = disk.last_errno = disk.fail_errno;
                return disk.fail_errno == ENOSPC && rc == SQLITE_IOERR_WRITE ? SQLITE_FULL : rc;
        }
        return SQLITE_OK;
}

/* What is there when a name is seen for the first time is durable: the ledger makes its file itself, before SQLite opens it. */
static void load(struct image *image, const char *path) {
        char block[4096];
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        image->exists = image->durable.exists = true;
        while ((n = read(fd, block, sizeof block)) > 0)
                hv_buf_add(&image->durable.bytes, block, (size_t) n);
        assert_int_equal(close(fd), 0);
}

static struct image *image_of(const char *path) {
        const char *name = path ? strrchr(path, '/') : NULL;
        size_t len = strlen(disk.dir);
        struct image *image;

        if (!name || strncmp(path, disk.dir, len) != 0 || path + len != name)
                return NULL;
        for (unsigned i = 0; i < disk.n_images; i++)
                if (strcmp(disk.images[i].name, name + 1) == 0)
                        return &disk.images[i];
        assert_true(disk.n_images < HV_ARRAY_SIZE(disk.images));
        image = &disk.images[disk.n_images++];
        (void) snprintf(image->name, sizeof image->name, "%s", name + 1);
        load(image, path);
        return image;
}

static void remember(struct image *image, enum op_type type, size_t offset, const void *data, size_t len) {
        struct op *op;

        if (!image)
                return;
        op = hv_vec_add(&image->pending);
        op->type = type;
        op->offset = offset;
        hv_buf_add(&op->data, data, len);
}

static void resize(struct hv_buf *b, size_t size) {
        static const char zeros[4096];

        while (b->len < size)
                hv_buf_add(b, zeros, HV_MIN(size - b->len, sizeof zeros));
        b->len = size;
}

static void put_bytes(struct content *c, size_t offset, const char *data, size_t len) {
        if (c->bytes.len < offset + len)
                resize(&c->bytes, offset + len);
        memcpy(c->bytes.data + offset, data, len);
}

/* `torn`: sectors of a write are there or not. */
static void apply(struct content *c, const struct op *op, struct hv_rng *torn) {
        switch (op->type) {
        case OP_CREATE:
                c->exists = true;
                c->bytes.len = 0;
                break;
        case OP_DELETE:
                c->exists = false;
                c->bytes.len = 0;
                break;
        case OP_TRUNCATE:
                resize(&c->bytes, op->offset);
                break;
        case OP_WRITE:
                for (size_t at = 0; at < op->data.len;) {
                        size_t len = HV_MIN(SECTOR - (op->offset + at) % SECTOR, op->data.len - at);

                        if (!torn || hv_rng_below(torn, 2) == 0)
                                put_bytes(c, op->offset + at, op->data.data + at, len);
                        at += len;
                }
                break;
        }
}

static void drop_until(struct image *image, size_t n) {
        if (n == 0)
                return;
        for (size_t i = 0; i < n; i++)
                hv_buf_done(&image->pending.v[i].data);
        memmove(image->pending.v, image->pending.v + n, (image->pending.n - n) * sizeof *image->pending.v);
        image->pending.n -= n;
}

/* The directory is flushed: every name is there or gone, with nothing in a new file yet. */
static void flush_names(void) {
        for (unsigned i = 0; i < disk.n_images; i++) {
                struct image *image = &disk.images[i];
                size_t done = 0;

                for (size_t k = 0; k < image->pending.n; k++)
                        if (image->pending.v[k].type == OP_CREATE || image->pending.v[k].type == OP_DELETE) {
                                apply(&image->durable, &image->pending.v[k], NULL);
                                done = k + 1;
                        }
                drop_until(image, done);
        }
}

static void flush(struct image *image) {
        bool is_new = false;

        if (!image)
                return;
        for (size_t i = 0; i < image->pending.n; i++)
                is_new = is_new || image->pending.v[i].type == OP_CREATE;
        if (is_new)
                flush_names();
        for (size_t i = 0; i < image->pending.n; i++)
                apply(&image->durable, &image->pending.v[i], NULL);
        drop_until(image, image->pending.n);
}

/* --- files --- */

static sqlite3_file *real_of(sqlite3_file *f) {
        return ((struct shim_file *) f)->real;
}

static int x_close(sqlite3_file *f) {
        sqlite3_file *real = real_of(f);
        int rc = real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;

        sqlite3_free(real);
        return rc;
}

static int x_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at) {
        return real_of(f)->pMethods->xRead(real_of(f), to, n, at);
}

static int x_write(sqlite3_file *f, const void *data, int n, sqlite3_int64 at) {
        struct image *image = ((struct shim_file *) f)->image;
        bool was_cut = disk.is_cut;
        int rc = operate(SQLITE_IOERR_WRITE);

        if (rc == SQLITE_OK || (disk.is_cut && !was_cut)) /* the write that the cut struck is on its way */
                remember(image, OP_WRITE, (size_t) at, data, (size_t) n);
        return rc == SQLITE_OK ? real_of(f)->pMethods->xWrite(real_of(f), data, n, at) : rc;
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size) {
        int rc = operate(SQLITE_IOERR_TRUNCATE);

        if (rc != SQLITE_OK)
                return rc;
        remember(((struct shim_file *) f)->image, OP_TRUNCATE, (size_t) size, NULL, 0);
        return real_of(f)->pMethods->xTruncate(real_of(f), size);
}

static int x_sync(sqlite3_file *f, int flags) {
        int rc = operate(SQLITE_IOERR_FSYNC);

        (void) flags;
        if (rc == SQLITE_OK)
                flush(((struct shim_file *) f)->image);
        return rc;
}

static int x_file_size(sqlite3_file *f, sqlite3_int64 *ret) {
        return real_of(f)->pMethods->xFileSize(real_of(f), ret);
}

static int x_lock(sqlite3_file *f, int level) {
        return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int x_unlock(sqlite3_file *f, int level) {
        return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int x_check_lock(sqlite3_file *f, int *ret) {
        return real_of(f)->pMethods->xCheckReservedLock(real_of(f), ret);
}

static int x_control(sqlite3_file *f, int op, void *arg) {
        return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int x_sector_size(sqlite3_file *f) {
        return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int x_characteristics(sqlite3_file *f) {
        return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret) {
        int rc = extend ? operate(SQLITE_IOERR_SHMSIZE) : SQLITE_OK;

        return rc == SQLITE_OK ? real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, ret) : rc;
}

static int x_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
        return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

static void x_shm_barrier(sqlite3_file *f) {
        real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int x_shm_unmap(sqlite3_file *f, int remove) {
        return real_of(f)->pMethods->xShmUnmap(real_of(f), remove);
}

static const sqlite3_io_methods methods = {
        .iVersion = 2, /* no memory-mapped pages: every byte goes through xWrite */
        .xClose = x_close,
        .xRead = x_read,
        .xWrite = x_write,
        .xTruncate = x_truncate,
        .xSync = x_sync,
        .xFileSize = x_file_size,
        .xLock = x_lock,
        .xUnlock = x_unlock,
        .xCheckReservedLock = x_check_lock,
        .xFileControl = x_control,
        .xSectorSize = x_sector_size,
        .xDeviceCharacteristics = x_characteristics,
        .xShmMap = x_shm_map,
        .xShmLock = x_shm_lock,
        .xShmBarrier = x_shm_barrier,
        .xShmUnmap = x_shm_unmap,
};

/* --- names --- */

static int x_open(sqlite3_vfs *vfs, sqlite3_filename path, sqlite3_file *f, int flags, int *ret_flags) {
        struct shim_file *shim = (struct shim_file *) f;
        struct image *image = image_of(path);
        bool makes = (flags & SQLITE_OPEN_CREATE) && image && !image->exists;
        int rc;

        (void) vfs;
        shim->base.pMethods = NULL;
        rc = makes ? operate(SQLITE_CANTOPEN) : SQLITE_OK;
        if (rc != SQLITE_OK)
                return rc;
        shim->real = sqlite3_malloc(disk.real->szOsFile);
        assert_non_null(shim->real);
        memset(shim->real, 0, (size_t) disk.real->szOsFile);
        rc = disk.real->xOpen(disk.real, path, shim->real, flags, ret_flags);
        if (rc != SQLITE_OK) {
                sqlite3_free(shim->real);
                return rc;
        }
        if (makes) {
                image->exists = true;
                remember(image, OP_CREATE, 0, NULL, 0);
        }
        shim->image = image;
        shim->base.pMethods = &methods;
        return SQLITE_OK;
}

static int x_delete(sqlite3_vfs *vfs, const char *path, int flush_dir) {
        struct image *image = image_of(path);
        int rc = operate(SQLITE_IOERR_DELETE);

        (void) vfs;
        if (rc != SQLITE_OK)
                return rc;
        rc = disk.real->xDelete(disk.real, path, 0);
        if (rc == SQLITE_OK && image) {
                image->exists = false;
                remember(image, OP_DELETE, 0, NULL, 0);
                if (flush_dir)
                        flush_names();
        }
        return rc;
}

static int x_last_error(sqlite3_vfs *vfs, int n, char *ret) {
        (void) vfs;
        (void) n;
        (void) ret;
        return disk.last_errno;
}

/* --- the disk --- */

void power_on(const char *dir) {
        static const char *const names[] = { "ledger.db-journal", "ledger.db-wal" };
        sqlite3_vfs *real = sqlite3_vfs_find("unix");

        memset(&disk, 0, sizeof disk);
        (void) snprintf(disk.dir, sizeof disk.dir, "%s", dir);
        disk.real = real;
        disk.vfs = *real;
        disk.vfs.zName = "hivelet-power";
        disk.vfs.szOsFile = (int) sizeof(struct shim_file);
        disk.vfs.xOpen = x_open;
        disk.vfs.xDelete = x_delete;
        disk.vfs.xGetLastError = x_last_error;
        assert_int_equal(sqlite3_vfs_register(&disk.vfs, 1), SQLITE_OK);
        for (size_t i = 0; i < HV_ARRAY_SIZE(names); i++) {
                char path[192];

                (void) snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                (void) image_of(path);
        }
}

void power_off(void) {
        for (unsigned i = 0; i < disk.n_images; i++) {
                drop_until(&disk.images[i], disk.images[i].pending.n);
                hv_vec_done(&disk.images[i].pending);
                hv_buf_done(&disk.images[i].durable.bytes);
        }
        disk.n_images = 0;
        assert_int_equal(sqlite3_vfs_unregister(&disk.vfs), SQLITE_OK);
        assert_int_equal(sqlite3_vfs_register(disk.real, 1), SQLITE_OK);
}

void power_cut_at(unsigned nth) {
        disk.cut_at = nth;
}

void power_fail_at(unsigned nth, int error, bool persistent) {
        disk.fail_at = nth;
        disk.fail_errno = error;
        disk.is_persistent = persistent;
        disk.has_struck = false;
}

unsigned power_operations(void) {
        return disk.n_operations;
}

bool power_struck(void) {
        return disk.has_struck;
}

static void write_file(const char *dir, const char *name, const struct hv_buf *bytes) {
        char path[192];
        int fd;

        (void) snprintf(path, sizeof path, "%s/%s", dir, name);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        if (bytes->len > 0)
                assert_int_equal(write(fd, bytes->data, bytes->len), bytes->len);
        assert_int_equal(close(fd), 0);
}

void power_survivors(const char *dir, enum power_loss loss, uint64_t seed) {
        struct hv_rng rng = { seed };

        for (unsigned i = 0; i < disk.n_images; i++) {
                const struct image *image = &disk.images[i];
                struct content c = { .exists = image->durable.exists };

                hv_buf_add(&c.bytes, image->durable.bytes.data, image->durable.bytes.len);
                for (size_t k = 0; k < image->pending.n && loss != POWER_LOSES_ALL; k++)
                        if (hv_rng_below(&rng, 2) == 0)
                                apply(&c, &image->pending.v[k], loss == POWER_TEARS ? &rng : NULL);
                if (c.exists)
                        write_file(dir, image->name, &c.bytes);
                hv_buf_done(&c.bytes);
        }
}
