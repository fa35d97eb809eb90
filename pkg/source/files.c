/* source/files.c - see files.h. */
#include "source/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "source/watch.h"

#define SUFFIX ".yaml"

struct entry {
        char *path;           /* absolute: what messages call it */
        bool primary, listed; /* listed: in the directory in this pass */
        bool dirty;           /* to be read in the next pass */
        bool writing;         /* somebody writes to it: what it held before counts */
        bool known;           /* it was read: `code` or `text` is what came of it */
        int code;             /* 0, or -errno */
        struct hv_fault fault;
        struct hv_buf text;
};

struct hv_files {
        char *config, *config_dir;      /* without trailing slashes */
        HV_VEC(struct entry *) entries; /* the primary file, then drop-ins by name */
        struct hv_watch *watch;
        void (*changed)(void *userdata);
        void *userdata;
        bool dir_had_files;
};

static void close_fd(int *fd) {
        if (*fd >= 0)
                (void) close(*fd);
}

/* --- entries --- */

static struct entry *entry_new(char *path, bool primary) {
        struct entry *e = HV_NEW(struct entry);

        e->path = path;
        e->primary = primary;
        e->dirty = true;
        return e;
}

static void entry_free(struct entry *e) {
        free(e->path);
        hv_buf_done(&e->text);
        free(e);
}

static struct entry *entry_find(const struct hv_files *f, const char *path) {
        for (size_t i = 0; i < f->entries.n; i++)
                if (hv_streq(f->entries.v[i]->path, path))
                        return f->entries.v[i];
        return NULL;
}

static int by_path(const void *a, const void *b) {
        const struct entry *x = *(struct entry *const *) a, *y = *(struct entry *const *) b;

        return x->primary != y->primary ? (x->primary ? -1 : 1) : strcmp(x->path, y->path);
}

static bool is_drop_in(const char *name) {
        size_t len = strlen(name), cut = strlen(SUFFIX);

        return name[0] != '.' && name[0] != '#' && len > cut && hv_streq(name + len - cut, SUFFIX);
}

/* --- reading --- */

/* The file as it is now, unless it turns out that somebody is writing to it: then what it held before still
 * counts. */
static void entry_read(struct hv_files *f, struct entry *e) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_fault fault;
        int code;

        e->dirty = false;
        code = hv_read_config(AT_FDCWD, e->path, &text, &fault);
        if (f->watch)
                hv_watch_drain(f->watch);
        if (e->writing && code == 0) {
                e->dirty = true;
                return;
        }
        e->known = true;
        e->code = code;
        if (code < 0)
                e->fault = fault;
        hv_buf_done(&e->text);
        e->text = text;
        text = (struct hv_buf){};
}

/* Whoever may write to the directory could take files out of it or put old ones back. */
static int open_dir(const char *path, struct hv_fault *fault) {
        _hv_cleanup_(close_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0) {
                r = -errno;
                (void) hv_fault_set(fault, "E0001", "cannot open: %s (running as uid %u)", strerror(-r),
                                    (unsigned) geteuid());
                return r;
        }
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 0022)) {
                (void) hv_fault_set(
                        fault, "E0009",
                        "directory owned by uid %u with mode %04o; expected root or uid %u, and not writable "
                        "by others; refuse to load",
                        (unsigned) st.st_uid, (unsigned) (st.st_mode & 07777), (unsigned) geteuid());
                return -EPERM;
        }
        r = fd;
        fd = -1;
        return r;
}

/* Marks what is in the directory and adds what is new. */
static int list_dir(struct hv_files *f, struct hv_fault *fault) {
        struct dirent *d;
        DIR *dir;
        int fd, r;

        fd = open_dir(f->config_dir, fault);
        if (fd == -ENOENT && !f->dir_had_files)
                return 0;
        if (fd == -ENOENT)
                (void) hv_fault_set(
                        fault, "E0001",
                        "the directory is gone; its objects are kept as they are. To remove them, remove "
                        "the files in it");
        if (fd < 0)
                return fd;
        dir = fdopendir(fd);
        if (!dir) {
                r = -errno;
                (void) close(fd);
                (void) hv_fault_set(fault, "E0001", "cannot list: %s", strerror(-r));
                return r;
        }
        while ((errno = 0, d = readdir(dir))) {
                _hv_cleanup_free_ char *path = NULL;
                struct entry *e;

                if (!is_drop_in(d->d_name))
                        continue;
                path = hv_asprintf("%s/%s", f->config_dir, d->d_name);
                e = entry_find(f, path);
                if (!e) {
                        e = entry_new(HV_STEAL(path), false);
                        hv_vec_push(&f->entries, e);
                }
                e->listed = true;
        }
        r = -errno;
        (void) closedir(dir);
        if (r < 0)
                (void) hv_fault_set(fault, "E0001", "cannot list: %s", strerror(-r));
        return r;
}

static void drop_unlisted(struct hv_files *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->entries.n; i++) {
                struct entry *e = f->entries.v[i];

                if (e->primary || e->listed)
                        f->entries.v[n++] = e;
                else
                        entry_free(e);
        }
        f->entries.n = n;
}

static void report(struct hv_diags *diags, const char *path, const struct hv_fault *fault) {
        unsigned file = hv_diags_add_file(diags, path, NULL, 0);

        (void) hv_diag_error_pos(diags, (struct hv_pos){ .file = file }, 0, fault->code, "%s",
                                 fault->message);
}

void hv_files_read(struct hv_files *f, bool *ret_missing, struct hv_diags *diags) {
        struct hv_fault fault;

        if (f->watch)
                hv_watch_drain(f->watch);
        for (size_t i = 0; i < f->entries.n; i++)
                f->entries.v[i]->listed = false;
        if (f->config_dir && list_dir(f, &fault) < 0)
                report(diags, f->config_dir, &fault);
        else
                drop_unlisted(f);
        qsort(f->entries.v, f->entries.n, sizeof *f->entries.v, by_path);

        *ret_missing = false;
        for (size_t i = 0; i < f->entries.n; i++) {
                struct entry *e = f->entries.v[i];

                if (!f->watch || (e->dirty && !e->writing))
                        entry_read(f, e);
                if (e->primary && e->known && e->code == -ENOENT)
                        *ret_missing = true;
                else if (e->known && e->code == -ENOENT)
                        continue; /* removed since the directory was listed */
                else if (e->known && e->code < 0)
                        report(diags, e->path, &e->fault);
                else if (e->primary && !e->known)
                        report(diags, e->path,
                               &(struct hv_fault){ .code = "E0001",
                                                   .message = "is being written; waiting for its end" });
                f->dir_had_files = f->dir_had_files || !e->primary;
        }
}

static bool is_usable(const struct entry *e) {
        return e->known && e->code == 0;
}

size_t hv_files_count(const struct hv_files *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->entries.n; i++)
                n += is_usable(f->entries.v[i]);
        return n;
}

struct hv_spec_file hv_files_get(const struct hv_files *f, size_t i) {
        size_t at = 0;

        while (!is_usable(f->entries.v[at]) || i-- > 0)
                at++;
        return (struct hv_spec_file){
                .name = f->entries.v[at]->path,
                .text = hv_buf_str(&f->entries.v[at]->text),
                .len = f->entries.v[at]->text.len,
                .source = "file",
                .primary = f->entries.v[at]->primary,
        };
}

/* --- watching --- */

static bool belongs(const struct hv_files *f, const char *path) {
        size_t len = f->config_dir ? strlen(f->config_dir) : 0;

        return len > 0 && strncmp(path, f->config_dir, len) == 0 && path[len] == '/' &&
               is_drop_in(path + len + 1);
}

static bool on_touched(void *userdata, const char *path) {
        struct hv_files *f = userdata;
        struct entry *e = entry_find(f, path);

        if (e) {
                e->dirty = true;
                e->writing = false;
        }
        return e || belongs(f, path);
}

static void on_writing(void *userdata, const char *path) {
        struct hv_files *f = userdata;
        struct entry *e = entry_find(f, path);

        if (!e && belongs(f, path)) {
                e = entry_new(hv_strdup(path), false);
                hv_vec_push(&f->entries, e);
        }
        if (e)
                e->writing = true;
}

static void on_lost(void *userdata) {
        hv_files_forget(userdata);
}

static void on_settled(void *userdata) {
        struct hv_files *f = userdata;

        f->changed(f->userdata);
}

int hv_files_watch(struct hv_files *f, struct sd_event *event, void (*changed)(void *userdata),
                   void *userdata, struct hv_err *err) {
        _hv_cleanup_(hv_watch_freep) struct hv_watch *watch = NULL;
        const struct hv_watch_handler handler = {
                .touched = on_touched,
                .writing = on_writing,
                .lost = on_lost,
                .settled = on_settled,
                .userdata = f,
        };
        _hv_cleanup_free_ char *dir = NULL;
        int r;

        r = hv_watch_new(event, &handler, &watch, err);
        if (r < 0)
                return r;
        dir = hv_strndup(f->config, (size_t) (strrchr(f->config, '/') - f->config));
        r = hv_watch_add(watch, *dir ? dir : "/", err);
        if (r >= 0 && f->config_dir)
                r = hv_watch_add(watch, f->config_dir, err);
        if (r < 0)
                return r;
        f->changed = changed;
        f->userdata = userdata;
        f->watch = HV_STEAL(watch);
        hv_files_forget(f); /* what changed before the watch began was not seen */
        return 0;
}

void hv_files_forget(struct hv_files *f) {
        for (size_t i = 0; i < f->entries.n; i++) {
                f->entries.v[i]->dirty = true;
                f->entries.v[i]->writing = false;
        }
}

void hv_files_expect_dir(struct hv_files *f) {
        f->dir_had_files = true;
}

/* --- life --- */

static char *without_slashes(const char *path) {
        size_t len = strlen(path);

        while (len > 1 && path[len - 1] == '/')
                len--;
        return hv_strndup(path, len);
}

struct hv_files *hv_files_new(const struct hv_files_options *options) {
        struct hv_files *f = HV_NEW(struct hv_files);

        f->config = without_slashes(options->config);
        f->config_dir = options->config_dir ? without_slashes(options->config_dir) : NULL;
        hv_vec_push(&f->entries, entry_new(hv_strdup(f->config), true));
        return f;
}

struct hv_files *hv_files_free(struct hv_files *f) {
        if (!f)
                return NULL;
        (void) hv_watch_free(f->watch);
        for (size_t i = 0; i < f->entries.n; i++)
                entry_free(f->entries.v[i]);
        hv_vec_done(&f->entries);
        free(f->config);
        free(f->config_dir);
        free(f);
        return NULL;
}
