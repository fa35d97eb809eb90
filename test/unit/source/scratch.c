/* scratch.c - see scratch.h. */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
        (void) st;
        (void) flag;
        (void) ftw;
        return remove(path);
}

void scratch_remove(const char *path) {
        assert_int_equal(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

int scratch_set_up(void **state) {
        struct scratch *s = HV_NEW(struct scratch);

        (void) umask(0);
        (void) snprintf(s->path, sizeof s->path, "/tmp/hv-source-XXXXXX");
        assert_non_null(mkdtemp(s->path));
        *state = s;
        return 0;
}

int scratch_tear_down(void **state) {
        struct scratch *s = *state;

        scratch_remove(s->path);
        free(s);
        return 0;
}

const char *scratch_path(const struct scratch *s, const char *name) {
        static char ring[8][256];
        static unsigned at;
        char *path = ring[at++ % 8];

        (void) snprintf(path, sizeof ring[0], "%s/%s", s->path, name);
        return path;
}

void scratch_write_mode(const struct scratch *s, const char *name, const char *text, mode_t mode) {
        int fd = open(scratch_path(s, name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0)
                fail_msg("%s: %s", name, strerror(errno));
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        assert_int_equal(fchmod(fd, mode), 0);
        assert_int_equal(close(fd), 0);
}

void scratch_write(const struct scratch *s, const char *name, const char *text) {
        scratch_write_mode(s, name, text, 0600);
}

void scratch_mkdir(const struct scratch *s, const char *name) {
        assert_int_equal(mkdir(scratch_path(s, name), 0700), 0);
}

char *scratch_read(const struct scratch *s, const char *name) {
        char text[65536];
        ssize_t n;
        int fd = open(scratch_path(s, name), O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return NULL;
        n = read(fd, text, sizeof text - 1);
        assert_true(n >= 0);
        assert_int_equal(close(fd), 0);
        return hv_strndup(text, (size_t) n);
}
