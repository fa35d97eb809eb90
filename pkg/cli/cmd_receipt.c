/* hivectl receipt verify, key: receipts are verified without an agent. */
#include "cli/cli_internal.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "cli/files.h"
#include "cli/output.h"
#include "task/receipt.h"

struct line {
        char *place; /* "FILE" or "FILE:LINE" */
        const char *text;
        size_t len;
        struct hv_receipt_checked checked;
        bool placed; /* in the order of the chain */
};

struct lines {
        HV_VEC(struct line) v;
};

static void lines_done(struct lines *l) {
        for (size_t i = 0; i < l->v.n; i++)
                free(l->v.v[i].place);
        hv_vec_done(&l->v);
}

/* A file holds one receipt, or one a line. */
static void cut_lines(const struct hv_cli_file *f, struct lines *ret) {
        unsigned number = 0;

        for (size_t at = 0; at < f->len;) {
                const char *start = f->text + at, *end = memchr(start, '\n', f->len - at);
                size_t len = end ? (size_t) (end - start) : f->len - at;

                number++;
                if (len > 0) {
                        struct line *l = hv_vec_add(&ret->v);

                        l->place = at == 0 && at + len + 1 >= f->len ? hv_strdup(f->name)
                                                                     : hv_asprintf("%s:%u", f->name, number);
                        l->text = start;
                        l->len = len;
                }
                at += len + 1;
        }
}

static int is_receipt_file(const struct dirent *d) {
        const char *dot = strrchr(d->d_name, '.');

        return d->d_name[0] != '.' && hv_streq(dot, ".json");
}

static int read_folder(const char *path, struct hv_cli_files *ret, struct hv_err *err) {
        struct dirent **entries = NULL;
        int n = scandir(path, &entries, is_receipt_file, alphasort), r = 0;

        if (n < 0)
                return hv_err_errno(err, -errno, "%s cannot be listed", path);
        if (n == 0)
                r = hv_err_set(err, -EINVAL, "%s holds no *.json", path);
        for (int i = 0; i < n; i++) {
                _hv_cleanup_free_ char *file = hv_asprintf("%s/%s", path, entries[i]->d_name);
                const char *names[] = { file };

                if (r >= 0)
                        r = hv_cli_files_read(names, 1, ret, err);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int read_all(const struct hv_cli *cli, struct hv_cli_files *ret, struct hv_err *err) {
        int r = 0;

        for (size_t i = 0; i < cli->options.n_args && r >= 0; i++) {
                const char *name = cli->options.args[i];
                struct stat st;

                r = stat(name, &st) == 0 && S_ISDIR(st.st_mode) ? read_folder(name, ret, err)
                                                                : hv_cli_files_read(&name, 1, ret, err);
        }
        return r;
}

static int wrong(struct hv_cli *cli, const struct line *l, const struct hv_err *err) {
        return hv_cli_fail(cli, HV_EXIT_ERROR, "%s: %s", l->place, err->msg);
}

/* ---- a chain ---- */

static struct line *follower(const struct lines *all, const struct line *l) {
        for (size_t i = 0; i < all->v.n; i++)
                if (!all->v.v[i].placed && hv_streq(all->v.v[i].checked.previous, l->checked.sha256))
                        return &all->v.v[i];
        return NULL;
}

static bool has_previous(const struct lines *all, const struct line *l) {
        for (size_t i = 0; i < all->v.n; i++)
                if (&all->v.v[i] != l && hv_streq(all->v.v[i].checked.sha256, l->checked.previous))
                        return true;
        return false;
}

/* Files of a folder have no order of their own: that of the chain is found, from each receipt whose previous one is not
 * there. */
static void put_in_order(struct lines *all) {
        struct lines sorted = {};

        for (size_t i = 0; i < all->v.n; i++) {
                struct line *l = has_previous(all, &all->v.v[i]) ? NULL : &all->v.v[i];

                for (; l; l = follower(all, l)) {
                        l->placed = true;
                        hv_vec_push(&sorted.v, *l);
                }
        }
        for (size_t i = 0; i < all->v.n; i++)
                if (!all->v.v[i].placed) /* twice the same */
                        hv_vec_push(&sorted.v, all->v.v[i]);
        hv_vec_done(&all->v);
        *all = sorted;
}

static int verify_chain(struct hv_cli *cli, struct lines *all) {
        struct hv_err err = {};
        int code = HV_EXIT_OK;

        for (size_t i = 1; i < all->v.n; i++)
                if (hv_receipt_check_next(&all->v.v[i - 1].checked, &all->v.v[i].checked, &err) < 0)
                        code = wrong(cli, &all->v.v[i], &err);
        if (all->v.n && *all->v.v[0].checked.previous)
                hv_cli_note(cli, "the first of these is not the first of its chain: it follows %s",
                            all->v.v[0].checked.previous);
        return code;
}

/* ---- words ---- */

static bool is_sorted_by_name(const struct hv_cli *cli) {
        for (size_t i = 0; i < cli->options.n_args; i++) {
                struct stat st;

                if (stat(cli->options.args[i], &st) == 0 && S_ISDIR(st.st_mode))
                        return false;
        }
        return true;
}

int hv_cmd_receipt_verify(struct hv_cli *cli) {
        _hv_cleanup_(hv_cli_files_done) struct hv_cli_files files = {};
        _hv_cleanup_(lines_done) struct lines all = {};
        int code = HV_EXIT_OK;
        struct hv_err err = {};

        if (cli->options.n_args == 0)
                return hv_cli_usage(cli, "which file holds the receipt?");
        if (read_all(cli, &files, &err) < 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        for (size_t i = 0; i < files.n; i++)
                cut_lines(&files.v[i], &all);
        if (all.v.n == 0)
                return hv_cli_fail(cli, HV_EXIT_ERROR, "there is no receipt in it");
        for (size_t i = 0; i < all.v.n; i++)
                if (hv_receipt_check(all.v.v[i].text, all.v.v[i].len, cli->options.key, &all.v.v[i].checked,
                                     &err) < 0)
                        code = wrong(cli, &all.v.v[i], &err);
        if (code != HV_EXIT_OK)
                return code;
        if (hv_option_is_given(&cli->options, HV_OPT_CHAIN)) {
                if (!is_sorted_by_name(cli))
                        put_in_order(&all);
                code = verify_chain(cli, &all);
        }
        for (size_t i = 0; i < all.v.n && code == HV_EXIT_OK; i++)
                (void) printf("%s: task %s, attempt %u, %s: good, key %.16s, hash %s\n", all.v.v[i].place,
                              all.v.v[i].checked.task, all.v.v[i].checked.attempt, all.v.v[i].checked.state,
                              all.v.v[i].checked.key, all.v.v[i].checked.sha256);
        if (code == HV_EXIT_OK && !cli->options.key)
                hv_cli_note(
                        cli,
                        "whole, but made by whom? Give the node's key with --signer (hivectl receipt key)");
        return code;
}

int hv_cmd_receipt_key(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = NULL;
        int code = hv_cli_get(cli, "/api/v1/receipt-key", &answer);

        if (code == HV_EXIT_OK)
                (void) printf("%s\n", hv_json_str(answer, "key"));
        return code;
}
