#include "cli/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/vec.h"

void hv_cli_files_done(struct hv_cli_files *f) {
        for (size_t i = 0; i < f->n; i++) {
                free(f->v[i].name);
                free(f->v[i].path);
                free(f->v[i].text);
        }
        free(f->v);
        *f = (struct hv_cli_files){};
}

static int read_all(int fd, const char *name, struct hv_buf *ret, struct hv_err *err) {
        char chunk[16384];

        for (;;) {
                ssize_t n = read(fd, chunk, sizeof chunk);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return hv_err_errno(err, -errno, "cannot read %s", name);
                if (n == 0)
                        return 0;
                hv_buf_add(ret, chunk, (size_t) n);
                if (ret->len > HV_CLI_FILE_MAX_BYTES)
                        return hv_err_set(err, -EFBIG, "%s is larger than %zu MiB", name,
                                          HV_CLI_FILE_MAX_BYTES >> 20);
        }
}

static int add_from(int fd, const char *name, char *path, struct hv_cli_files *ret, struct hv_err *err) {
        struct hv_buf text = {};
        int r = read_all(fd, name, &text, err);

        if (r < 0) {
                hv_buf_done(&text);
                free(path);
                return r;
        }
        ret->v = hv_realloc(ret->v, (ret->n + 1) * sizeof *ret->v);
        ret->v[ret->n].name = hv_strdup(name);
        ret->v[ret->n].path = path;
        ret->v[ret->n].len = text.len;
        ret->v[ret->n++].text = hv_buf_steal(&text);
        return 0;
}

static int add_file(const char *name, struct hv_cli_files *ret, struct hv_err *err) {
        int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;

        if (fd < 0)
                return hv_err_errno(err, -errno, "cannot open %s", name);
        r = add_from(fd, name, realpath(name, NULL), ret, err);
        (void) close(fd);
        return r;
}

static int is_document(const struct dirent *e) {
        const char *dot = strrchr(e->d_name, '.');

        return e->d_name[0] != '.' && dot && (hv_streq(dot, ".yaml") || hv_streq(dot, ".yml"));
}

static int add_folder(const char *name, struct hv_cli_files *ret, struct hv_err *err) {
        struct dirent **entries;
        int n = scandir(name, &entries, is_document, alphasort), r = 0;

        if (n < 0)
                return hv_err_errno(err, -errno, "cannot read the folder %s", name);
        for (int i = 0; i < n; i++) {
                _hv_cleanup_free_ char *path = hv_asprintf(
                        "%s%s%s", name, name[strlen(name) - 1] == '/' ? "" : "/", entries[i]->d_name);

                if (r >= 0)
                        r = add_file(path, ret, err);
                free(entries[i]);
        }
        free(entries);
        if (n == 0)
                return hv_err_set(err, -EINVAL, "there is no *.yaml and no *.yml in %s", name);
        return r;
}

int hv_cli_files_read(const char *const *names, size_t n_names, struct hv_cli_files *ret,
                      struct hv_err *err) {
        for (size_t i = 0; i < n_names; i++) {
                struct stat st;
                int r;

                if (hv_streq(names[i], "-")) {
                        if (isatty(STDIN_FILENO))
                                return hv_err_set(
                                        err, -EINVAL,
                                        "standard input is a terminal: send a file to it, or name one");
                        r = add_from(STDIN_FILENO, "-", NULL, ret, err);
                } else if (!*names[i])
                        r = hv_err_set(err, -EINVAL, "a file needs a name");
                else if (stat(names[i], &st) == 0 && S_ISDIR(st.st_mode))
                        r = add_folder(names[i], ret, err);
                else
                        r = add_file(names[i], ret, err);
                if (r < 0)
                        return r;
        }
        return 0;
}
