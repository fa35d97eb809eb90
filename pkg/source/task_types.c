/* source/task_types.c - see task_types.h. */
#include "source/task_types.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "source/read.h"

#define FOLDER "task-types.d"
#define STANDARD "/etc/hivelet"
#define SUFFIX ".yaml"

static void report(struct hv_diags *diags, const char *path, const struct hv_fault *fault) {
        const struct hv_pos at = { .file = hv_diags_add_file(diags, path, NULL, 0) };

        (void) hv_diag_error_pos(diags, at, 0, fault->code, "%s", fault->message);
}

static int is_type_file(const struct dirent *d) {
        size_t len = strlen(d->d_name), cut = strlen(SUFFIX);

        return d->d_name[0] != '.' && d->d_name[0] != '#' && len > cut &&
               hv_streq(d->d_name + len - cut, SUFFIX);
}

/* A file there decides what runs on this node, so nobody else may put one in. */
static bool is_trusted(const char *dir, struct hv_diags *diags) {
        struct hv_fault fault;
        struct stat st;

        if (stat(dir, &st) < 0)
                return false; /* scandir() says why */
        if ((st.st_uid == 0 || st.st_uid == geteuid()) && !(st.st_mode & 0022))
                return true;
        (void) hv_fault_set(
                &fault, "E0009",
                "directory owned by uid %u with mode %04o; expected root or uid %u, and not writable by "
                "others; refuse to load",
                (unsigned) st.st_uid, (unsigned) (st.st_mode & 07777), (unsigned) geteuid());
        report(diags, dir, &fault);
        return false;
}

static void read_one(struct hv_task_type_files *f, const char *path, const char *origin,
                     struct hv_diags *diags) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_fault fault;

        if (hv_read_config(AT_FDCWD, path, &text, &fault) < 0) {
                report(diags, path, &fault);
                return;
        }
        hv_vec_push(&f->v, ((struct hv_spec_file){
                                   .name = hv_arena_strdup(f->arena, path),
                                   .text = hv_arena_strndup(f->arena, hv_buf_str(&text), text.len),
                                   .len = text.len,
                                   .source = origin,
                           }));
}

static void read_folder(struct hv_task_type_files *f, const char *dir, const char *origin,
                        struct hv_diags *diags) {
        struct dirent **entries = NULL;
        struct hv_fault fault;
        int n;

        if (access(dir, F_OK) < 0 && errno == ENOENT)
                return;
        n = is_trusted(dir, diags) ? scandir(dir, &entries, is_type_file, alphasort) : 0;
        if (n < 0) {
                (void) hv_fault_set(&fault, "E0001", "cannot list: %s", strerror(errno));
                report(diags, dir, &fault);
        }
        for (int i = 0; i < n; i++) {
                _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", dir, entries[i]->d_name);

                read_one(f, path, origin, diags);
                free(entries[i]);
        }
        free(entries);
}

void hv_task_type_files_read(const char *config, struct hv_task_type_files *ret, struct hv_diags *diags) {
        const char *slash = config ? strrchr(config, '/') : NULL;
        _hv_cleanup_free_ char *own = NULL;

        if (!config)
                own = hv_strdup(STANDARD "/" FOLDER);
        else if (!slash)
                own = hv_strdup(FOLDER);
        else
                own = hv_asprintf("%.*s/" FOLDER, (int) (slash - config), config);
        *ret = (struct hv_task_type_files){ .arena = hv_arena_new() };
        read_folder(ret, HV_TASK_TYPES_DIR, "shipped", diags);
        read_folder(ret, own, "own", diags);
}

void hv_task_type_files_done(struct hv_task_type_files *f) {
        hv_vec_done(&f->v);
        f->arena = hv_arena_free(f->arena);
}
