/* bench.c - see bench.h. */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sha256.h"

int bench_set_up(void **state) {
        struct bench *b = HV_NEW(struct bench);

        (void) umask(0);
        strcpy(b->path, "/tmp/hv-task-XXXXXX");
        assert_non_null(mkdtemp(b->path));
        (void) snprintf(b->work, sizeof b->work, "%s/work", b->path);
        (void) snprintf(b->results, sizeof b->results, "%s/results", b->path);
        assert_true(sd_event_new(&b->event) >= 0);
        assert_int_equal(hv_worker_new(b->event, &b->worker, NULL), 0);
        *state = b;
        return 0;
}

/* By another program than the one that is tested. */
static void remove_all(const char *path) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                (void) execlp("rm", "rm", "-rf", "--one-file-system", path, (char *) NULL);
                _exit(127);
        }
        assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
        assert_int_equal(status, 0);
}

int bench_tear_down(void **state) {
        struct bench *b = *state;

        hv_worker_free(b->worker);
        sd_event_unref(b->event);
        remove_all(b->path);
        free(b);
        return 0;
}

const char *bench_path(const struct bench *b, const char *fmt, ...) {
        static char ring[8][512];
        static unsigned next;
        char *path = ring[next++ % 8];
        int n = snprintf(path, sizeof ring[0], "%s/", b->path);
        va_list ap;

        va_start(ap, fmt);
        (void) vsnprintf(path + n, sizeof ring[0] - (size_t) n, fmt, ap);
        va_end(ap);
        return path;
}

void bench_write(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        (void) close(fd);
}

void bench_mkdir(const char *path) {
        _hv_cleanup_free_ char *copy = hv_strdup(path);

        for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                assert_true(mkdir(copy, 0755) == 0 || errno == EEXIST);
                *slash = '/';
        }
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
}

char *bench_read(const char *path) {
        struct hv_buf text = {};
        char block[4096];
        ssize_t n;
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return NULL;
        while ((n = read(fd, block, sizeof block)) > 0)
                hv_buf_add(&text, block, (size_t) n);
        (void) close(fd);
        return hv_buf_steal(&text);
}

bool bench_exists(const char *path) {
        struct stat st;

        return lstat(path, &st) == 0;
}

unsigned bench_count(const char *path) {
        DIR *d = opendir(path);
        struct dirent *entry;
        unsigned n = 0;

        if (!d)
                return 0;
        while ((entry = readdir(d)))
                n += !hv_streq(entry->d_name, ".") && !hv_streq(entry->d_name, "..");
        (void) closedir(d);
        return n;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void digest_entry(const char *path, struct hv_buf *ret) {
        char hex[HV_SHA256_HEX_SIZE], target[256];
        _hv_cleanup_free_ char *text = NULL;
        struct stat st;
        ssize_t n;

        assert_int_equal(lstat(path, &st), 0);
        hv_buf_printf(ret, "%s %o %u:%u %lld %llu\n", path, (unsigned) st.st_mode, (unsigned) st.st_uid,
                      (unsigned) st.st_gid, S_ISDIR(st.st_mode) ? 0LL : (long long) st.st_size,
                      (unsigned long long) st.st_nlink);
        if (S_ISLNK(st.st_mode)) {
                n = readlink(path, target, sizeof target);
                hv_buf_add(ret, target, (size_t) HV_MAX(n, 0));
        } else if (S_ISREG(st.st_mode)) {
                text = bench_read(path);
                assert_non_null(text);
                hv_sha256_hex(text, (size_t) st.st_size, hex);
                hv_buf_puts(ret, hex);
        }
}

void bench_digest(const char *path, struct hv_buf *ret) {
        struct dirent **names;
        struct stat st;
        int n;

        digest_entry(path, ret);
        if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
                return;
        n = scandir(path, &names, NULL, by_name);
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
                _hv_cleanup_free_ char *below = hv_asprintf("%s/%s", path, names[i]->d_name);

                if (!hv_streq(names[i]->d_name, ".") && !hv_streq(names[i]->d_name, ".."))
                        bench_digest(below, ret);
                free(names[i]);
        }
        free(names);
}

struct hv_workspace bench_workspace(const struct bench *b, const char *id) {
        struct hv_workspace w = HV_WORKSPACE_NONE;
        struct hv_owner nobody = { 65534, 65534 };
        struct hv_err err = {};

        if (hv_workspace_make(b->work, &(struct hv_attempt){ id, 1 }, &nobody, NULL, &w, &err) < 0)
                fail_msg("%s", err.msg);
        return w;
}

void bench_mount_small(const char *path, const char *size) {
        char options[64];

        bench_mkdir(path);
        (void) snprintf(options, sizeof options, "size=%s,mode=0755", size);
        if (mount("tmpfs", path, "tmpfs", 0, options) < 0)
                fail_msg("a tmpfs cannot be mounted at %s: %s (the tests of tasks need root)", path,
                         strerror(errno));
}

void bench_unmount(const char *path) {
        assert_int_equal(umount2(path, MNT_DETACH), 0);
}
