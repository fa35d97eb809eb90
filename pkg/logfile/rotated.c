#include "logfile/rotated.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/text.h"
#include "base/time.h"

enum slot { SLOT_FREE, SLOT_OURS, SLOT_FOREIGN };

void hv_rotated_name(const char *log, unsigned number, char ret[HV_ROTATED_NAME_SIZE]) {
        if (number == 0)
                (void) snprintf(ret, HV_ROTATED_NAME_SIZE, "%s", log);
        else
                (void) snprintf(ret, HV_ROTATED_NAME_SIZE, "%s.%u", log, number);
}

static enum slot look(int folder, const char *log, unsigned number, struct stat *ret) {
        char name[HV_ROTATED_NAME_SIZE];

        hv_rotated_name(log, number, name);
        if (fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? SLOT_FREE : SLOT_FOREIGN;
        return S_ISREG(ret->st_mode) && ret->st_uid == geteuid() ? SLOT_OURS : SLOT_FOREIGN;
}

static int by_number(const void *a, const void *b) {
        const struct hv_rotated_file *x = a, *y = b;

        return (x->number > y->number) - (x->number < y->number);
}

void hv_rotated_list(int folder, const char *log, struct hv_rotated_files *ret) {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
        size_t len = strlen(log);

        *ret = (struct hv_rotated_files){};
        if (!entries) {
                if (fd >= 0)
                        (void) close(fd);
                return;
        }
        for (const struct dirent *e; (e = readdir(entries));) {
                const char *suffix = hv_has_prefix(e->d_name, log) ? e->d_name + len : "";
                uint64_t number;
                struct stat st;

                if (*suffix != '.' || suffix[1] == '0' ||
                    !hv_parse_uint(suffix + 1, 1, HV_ROTATED_MAX, &number) ||
                    look(folder, log, (unsigned) number, &st) != SLOT_OURS)
                        continue;
                hv_vec_push(ret, ((struct hv_rotated_file){ (unsigned) number, (uint64_t) st.st_size,
                                                            (uint64_t) st.st_mtim.tv_sec * HV_USEC_PER_SEC +
                                                                    (uint64_t) st.st_mtim.tv_nsec / 1000 }));
        }
        (void) closedir(entries);
        if (ret->n > 0)
                qsort(ret->v, ret->n, sizeof *ret->v, by_number);
}

void hv_rotated_files_done(struct hv_rotated_files *files) {
        hv_vec_done(files);
}

static int move(int folder, const char *log, unsigned from, unsigned to) {
        char old[HV_ROTATED_NAME_SIZE], new[HV_ROTATED_NAME_SIZE];

        hv_rotated_name(log, from, old);
        hv_rotated_name(log, to, new);
        return renameat(folder, old, folder, new) < 0 ? -errno : 0;
}

/* The number up to which all move: the first that is free. Before what is not ours, and at the end, the oldest gives way. */
static unsigned last_to_move(int folder, const char *log) {
        struct stat st;

        for (unsigned i = 1; i < HV_ROTATED_MAX; i++)
                switch (look(folder, log, i, &st)) {
                case SLOT_FREE:
                        return i;
                case SLOT_FOREIGN:
                        return i - 1;
                case SLOT_OURS:
                        break;
                }
        return HV_ROTATED_MAX;
}

int hv_rotated_shift(int folder, const char *log, struct hv_err *err) {
        unsigned last = last_to_move(folder, log);
        int r = 0;

        if (last == 0)
                return hv_err_set(err, -EEXIST,
                                  "%s is full, and %s.1 is no log of this agent's; move it away", log, log);
        for (unsigned i = last; r >= 0 && i > 0; i--)
                r = move(folder, log, i - 1, i);
        return r < 0 ? hv_err_errno(err, r, "%s is full and cannot be renamed", log) : 0;
}

int hv_rotated_remove(int folder, const char *log, unsigned number, struct hv_err *err) {
        char name[HV_ROTATED_NAME_SIZE];
        struct stat st;

        hv_rotated_name(log, number, name);
        if (number == 0 || look(folder, log, number, &st) == SLOT_FOREIGN)
                return hv_err_set(err, -EPERM, "%s is no full log of this agent's", name);
        if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
                return hv_err_errno(err, -errno, "%s cannot be removed", name);
        return 0;
}
