/* source/rotate.c - see rotate.h. */
#include "source/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "source/read.h"
#include "source/secrets.h"
#include "spec/value_name.h"

#define KEY_CHARS 44 /* 32 bytes in base64 */

static bool is_there(const struct hv_disk *dir, const char *file) {
        struct stat st;

        return fstatat(dir->fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What is no key is not put in the place of one. */
static int read_key(const struct hv_disk *dir, const char *file, struct hv_secret **ret, struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *key = NULL;
        struct hv_fault fault = {};
        char text[KEY_CHARS + 1];
        size_t len;
        int r = hv_read_secret(dir->fd, file, &key, &fault);

        if (r < 0)
                return hv_err_set(err, r, "%s/%s: %s", dir->path, file, fault.message);
        len = strcspn(hv_secret_bytes(key), "\n");
        (void) snprintf(text, sizeof text, "%s", len == KEY_CHARS ? (const char *) hv_secret_bytes(key) : "");
        r = hv_value_wg_key(text, "key", NULL, &fault);
        explicit_bzero(text, sizeof text);
        if (r < 0)
                return hv_err_set(err, -EBADMSG,
                                  "%s/%s is no key: found %zu characters, expected %d of base64", dir->path,
                                  file, len, KEY_CHARS);
        *ret = HV_STEAL(key);
        return 0;
}

/* One that was made before and is not in use yet was told to somebody: it stays. */
static int prepare(const struct hv_disk *dir, const char *next, struct hv_secret **ret, struct hv_err *err) {
        return is_there(dir, next) ? read_key(dir, next, ret, err)
                                   : hv_secret_make_wireguard(dir, next, ret, err);
}

static int rotate(const struct hv_disk *dir, const char *name, const char *next, const char *previous,
                  struct hv_secret **ret, struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *old = NULL, *new = NULL;
        int r = read_key(dir, name, &old, err);

        if (r >= 0)
                r = prepare(dir, next, &new, err);
        if (r >= 0)
                r = hv_disk_replace(dir, previous, hv_secret_bytes(old), hv_secret_len(old), err);
        if (r >= 0)
                r = hv_disk_rename(dir, next, name, err);
        if (r >= 0)
                *ret = HV_STEAL(new);
        return r;
}

static bool is_same(const struct hv_secret *a, const struct hv_secret *b) {
        return hv_secret_len(a) == hv_secret_len(b) &&
               memcmp(hv_secret_bytes(a), hv_secret_bytes(b), hv_secret_len(a)) == 0;
}

static int undo(const struct hv_disk *dir, const char *name, const char *previous, struct hv_secret **ret,
                struct hv_err *err) {
        _hv_cleanup_(hv_secret_freep) struct hv_secret *now = NULL, *before = NULL;
        int r = read_key(dir, name, &now, err);

        if (r >= 0 && !is_there(dir, previous))
                return hv_err_set(err, -ENOENT, "%s was not rotated: there is no key before this one", name);
        if (r >= 0)
                r = read_key(dir, previous, &before, err);
        if (r < 0)
                return r;
        if (is_same(now, before))
                return hv_err_set(err, -EALREADY, "%s has the key of before already", name);
        if (renameat2(dir->fd, name, dir->fd, previous, RENAME_EXCHANGE) < 0)
                return hv_err_errno(err, -errno, "%s/%s and %s cannot change places", dir->path, name,
                                    previous);
        r = hv_disk_flush(dir, err);
        if (r >= 0)
                *ret = HV_STEAL(before);
        return r;
}

int hv_rotate_key(const struct hv_disk *dir, const char *name, enum hv_rotation how, struct hv_secret **ret,
                  struct hv_err *err) {
        _hv_cleanup_free_ char *next = hv_asprintf("%s.next", name);
        _hv_cleanup_free_ char *previous = hv_asprintf("%s.previous", name);

        if (!is_there(dir, name))
                return hv_err_set(err, -ENOENT, "%s/%s: there is no key yet", dir->path, name);
        switch (how) {
        case HV_ROTATION_PREPARE:
                return prepare(dir, next, ret, err);
        case HV_ROTATION_UNDO:
                return undo(dir, name, previous, ret, err);
        case HV_ROTATION_NOW:
        default:
                return rotate(dir, name, next, previous, ret, err);
        }
}
