/* source/read.c - see read.h.
 */
#include "source/read.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

struct rules {
        const char *unreadable; /* code */
        const char *untrusted;  /* code for a wrong owner or mode */
        unsigned forbidden;     /* bits of the mode besides those for writing */
        size_t max_bytes;
};

static const struct rules config_rules = { "E0001", "E0009", 0, HV_READ_CONFIG_MAX };
static const struct rules secret_rules = { "E0362", "E0323", 0077, HV_READ_SECRET_MAX };
/* systemd gives a service that is not root's access by an ACL, whose mask shows as the group's bits. */
static const struct rules credential_rules = { "E0362", "E0323", 0007, HV_READ_SECRET_MAX };

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

static const char *kind_of(mode_t mode) {
        return S_ISDIR(mode)                    ? "a directory"
               : S_ISLNK(mode)                  ? "a symbolic link"
               : S_ISFIFO(mode)                 ? "a named pipe"
               : S_ISSOCK(mode)                 ? "a socket"
               : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                                : "no regular file";
}

static int cannot_open(const struct rules *rules, int dir_fd, const char *path, int code,
                       struct hv_fault *fault) {
        char target[256];
        ssize_t n;

        if (code == -ELOOP) {
                n = readlinkat(dir_fd, path, target, sizeof target - 1);
                target[n > 0 ? n : 0] = '\0';
                (void) hv_fault_set(
                        fault, rules->unreadable,
                        "is a symbolic link (to %s); links are not followed: put the file itself here",
                        n > 0 ? target : "somewhere");
        } else if (code == -EACCES || code == -EPERM) {
                (void) hv_fault_set(fault, rules->unreadable, "cannot open: %s (running as uid %u)",
                                    strerror(-code), (unsigned) geteuid());
        } else {
                (void) hv_fault_set(fault, rules->unreadable, "cannot open: %s", strerror(-code));
        }
        return code;
}

/* Who but its owner may change the file: a group by its name, as `ls` shows it. */
static int check_writers(const struct rules *rules, const struct stat *st, struct hv_fault *fault) {
        unsigned mode = st->st_mode & 07777;
        const struct group *group;

        if (st->st_uid != 0 && st->st_uid != geteuid()) {
                (void) hv_fault_set(fault, rules->untrusted,
                                    "owned by uid %u, expected root or uid %u; refuse to load",
                                    (unsigned) st->st_uid, (unsigned) geteuid());
                return -EPERM;
        }
        if (mode & rules->forbidden) {
                (void) hv_fault_set(fault, rules->untrusted, "has mode %04o, must be 0600 or stricter", mode);
                return -EPERM;
        }
        if (mode & 0002) {
                (void) hv_fault_set(fault, rules->untrusted,
                                    "writable by everyone; refuse to load (mode %04o)", mode);
                return -EPERM;
        }
        if (mode & 0020) {
                group = getgrgid(st->st_gid);
                (void) hv_fault_set(fault, rules->untrusted,
                                    "writable by group \"%s\"; refuse to load (mode %04o)",
                                    group ? group->gr_name : "?", mode);
                return -EPERM;
        }
        return 0;
}

static int check_file(const struct rules *rules, const struct stat *st, struct hv_fault *fault) {
        int r;

        if (!S_ISREG(st->st_mode)) {
                (void) hv_fault_set(fault, rules->unreadable, "is %s, expected a regular file",
                                    kind_of(st->st_mode));
                return -EINVAL;
        }
        r = check_writers(rules, st, fault);
        if (r < 0)
                return r;
        if ((uint64_t) st->st_size > rules->max_bytes) {
                (void) hv_fault_set(fault, "E0003", "too large: %.1f MiB, limit %g MiB",
                                    (double) st->st_size / (1 << 20), (double) rules->max_bytes / (1 << 20));
                return -EFBIG;
        }
        return 0;
}

/* The buffer is zeroed by whoever puts a secret in it. One byte more than allowed is read, so that a file
 * that grows meanwhile shows. */
static int read_checked(const struct rules *rules, int dir_fd, const char *path, char **ret, size_t *ret_len,
                        struct hv_fault *fault) {
        _hv_cleanup_(close_fd) int fd = -1;
        _hv_cleanup_free_ char *data = NULL;
        struct stat st;
        size_t len = 0, room;
        int r;

        fd = openat(dir_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return cannot_open(rules, dir_fd, path, -errno, fault);
        if (fstat(fd, &st) < 0)
                return cannot_open(rules, dir_fd, path, -errno, fault);
        r = check_file(rules, &st, fault);
        if (r < 0)
                return r;

        room = rules->max_bytes + 1;
        if ((uint64_t) st.st_size < room)
                room = (size_t) st.st_size + 4096;
        data = hv_malloc(room + 1);
        for (;;) {
                ssize_t n = read(fd, data + len, room - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        r = -errno;
                        explicit_bzero(data, len);
                        (void) hv_fault_set(fault, rules->unreadable, "cannot read: %s", strerror(-r));
                        return r;
                }
                if (n == 0)
                        break;
                len += (size_t) n;
                if (len == room) {
                        explicit_bzero(data, len);
                        (void) hv_fault_set(fault, rules->unreadable, "grows while it is read; try again");
                        return -EAGAIN;
                }
        }
        data[len] = '\0';
        *ret = HV_STEAL(data);
        *ret_len = len;
        return 0;
}

int hv_read_config(int dir_fd, const char *path, struct hv_buf *ret, struct hv_fault *fault) {
        char *data;
        size_t len;
        int r;

        r = read_checked(&config_rules, dir_fd, path, &data, &len, fault);
        if (r < 0)
                return r;
        hv_buf_done(ret);
        *ret = (struct hv_buf){ .data = data, .len = len, .cap = len + 1 };
        return 0;
}

static int read_as_secret(const struct rules *rules, int dir_fd, const char *path, struct hv_secret **ret,
                          struct hv_fault *fault) {
        char *data;
        size_t len;
        int r;

        r = read_checked(rules, dir_fd, path, &data, &len, fault);
        if (r < 0)
                return r;
        *ret = hv_secret_new(data, len);
        explicit_bzero(data, len);
        free(data);
        return 0;
}

int hv_read_secret(int dir_fd, const char *path, struct hv_secret **ret, struct hv_fault *fault) {
        return read_as_secret(&secret_rules, dir_fd, path, ret, fault);
}

int hv_read_credential(int dir_fd, const char *name, struct hv_secret **ret, struct hv_fault *fault) {
        return read_as_secret(&credential_rules, dir_fd, name, ret, fault);
}
