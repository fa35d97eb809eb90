/* hivectl cp: files out of a container, and into one.
 *
 *      out   GET archive --> untar.c --> files here          in   files here --> tar.c --> PUT archive
 *
 * Model    The loop of the client runs while the packer or the unpacker waits for bytes: neither direction keeps more than a little.
 *          What a destination means is docker cp's: a folder that is there gets the source inside, what is not there is its new name.
 * Safe     What comes out of a container is a stranger's archive: untar.h. */
#include "cli/cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/quantity.h"
#include "base/time.h"
#include "cli/client.h"
#include "cli/progress.h"
#include "cli/tar.h"
#include "cli/untar.h"

#define QUEUE_MAX_BYTES ((size_t) 256 << 10)
#define SHOW_EVERY_US (200 * HV_USEC_PER_MSEC)
#define LINKS_MAX 8

struct cp {
        struct hv_cli *cli;
        struct hv_cli_object place;
        char *inside;        /* path in the container: absolute, without a slash at its end */
        bool is_folder_said; /* it had one */
        bool is_contents;    /* it ended in "/." */
        const char *here;    /* path on this machine, "-": standard input or output */
        struct hv_request *request;
        struct hv_buf queue;
        size_t taken; /* of the queue */
        bool is_whole, is_over;
        int result; /* of the request; told already */
        uint64_t moved_bytes, shown_us;
        struct hv_progress progress;
        unsigned n_left_out;
};

/* ---- progress ---- */

static void show_progress(struct cp *c, size_t more) {
        char text[HV_QUANTITY_SIZE];
        struct timespec now;
        uint64_t now_us;

        c->moved_bytes += more;
        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        now_us = (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
        if (now_us < c->shown_us + SHOW_EVERY_US)
                return;
        c->shown_us = now_us;
        hv_quantity_format_bytes(c->moved_bytes & ~(((uint64_t) 1 << 16) - 1), text);
        hv_progress_show(&c->progress, text, strlen(text));
}

static void left_out(void *userdata, const char *path, const char *why) {
        struct cp *c = userdata;

        hv_progress_clear(&c->progress);
        c->n_left_out++;
        (void) hv_cli_fail(c->cli, HV_EXIT_ERROR, "left out: %s: %s", path, why);
}

/* ---- the container's side ---- */

static void put_url(const struct cp *c, const char *inside, const char *format, struct hv_buf *ret) {
        hv_buf_printf(ret, "/api/v1/%s/", hv_cli_folder(c->place.kind));
        hv_cli_escape_path(ret, c->place.name);
        hv_buf_puts(ret, "/archive?path=");
        hv_cli_escape_path(ret, inside);
        if (c->place.kind == HV_KIND_SERVICE)
                hv_buf_printf(ret, "&replica=%u", c->place.replica);
        if (format)
                hv_buf_printf(ret, "&format=%s", format);
}

/* What is at a path. HV_EXIT_NOT_FOUND with `may_miss`: nothing, which was not told; else told. */
static int look(const struct cp *c, const char *inside, bool may_miss, struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf url = {};
        struct hv_client_answer answer;
        struct hv_err err = {};
        int r;

        put_url(c, inside, "json", &url);
        r = hv_client_call(c->cli->client, HV_METHOD_GET, hv_buf_str(&url), NULL, 0, NULL, &answer, &err);
        if (r < 0)
                return hv_cli_fail(c->cli, r == -ETIMEDOUT ? HV_EXIT_TIMED_OUT : HV_EXIT_UNREACHABLE, "%s",
                                   err.msg);
        if (answer.status == 200) {
                *ret = answer.json;
                return HV_EXIT_OK;
        }
        r = may_miss && answer.status == 404 && hv_streq(hv_json_str(answer.json, "code"), "CopyFailed")
                    ? HV_EXIT_NOT_FOUND
                    : hv_cli_problem(c->cli, answer.status, answer.json);
        hv_client_answer_done(&answer);
        return r;
}

static char *folder_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash == path ? hv_strdup("/") : hv_strndup(path, (size_t) (slash - path));
}

static const char *leaf_of(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Of a path that ends in "." or "..": what is in it is meant. */
static bool has_no_name(const char *path) {
        return hv_streq(leaf_of(path), ".") || hv_streq(leaf_of(path), "..");
}

/* What is at c->inside, behind links, which are followed as the container would; NULL in *ret: nothing. */
static int resolve(struct cp *c, struct hv_json **ret) {
        *ret = NULL;
        for (unsigned i = 0; i < LINKS_MAX; i++) {
                _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
                _hv_cleanup_free_ char *folder = folder_of(c->inside);
                const char *target;
                char *next;
                int r = look(c, c->inside, true, &j);

                if (r == HV_EXIT_NOT_FOUND)
                        return HV_EXIT_OK;
                if (r != HV_EXIT_OK)
                        return r;
                target = hv_json_str(j, "target");
                if (!target) {
                        *ret = HV_STEAL(j);
                        return HV_EXIT_OK;
                }
                next = *target == '/' ? hv_strdup(target) : hv_asprintf("%s/%s", folder, target);
                free(c->inside);
                c->inside = next;
        }
        return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s: too many links", c->inside);
}

static bool is_folder(const struct hv_json *path) {
        return hv_streq(hv_json_str(path, "type"), "directory");
}

static void on_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct cp *c = userdata;

        hv_progress_clear(&c->progress);
        c->request = NULL;
        c->is_over = true;
        if (answer)
                c->result = hv_cli_problem(c->cli, answer->status, answer->json);
        else if (err)
                c->result = hv_cli_fail(c->cli, HV_EXIT_UNREACHABLE, "%s", err->msg);
        hv_client_stop(c->cli->client);
}

/* ---- out ---- */

static void on_data(void *userdata, const char *data, size_t len) {
        struct cp *c = userdata;

        hv_buf_add(&c->queue, data, len);
        hv_client_stop(c->cli->client);
}

/* What came since; the loop runs only while there is nothing. */
static ssize_t read_download(void *userdata, const void **ret) {
        struct cp *c = userdata;

        hv_buf_clear(&c->queue);
        while (c->queue.len == 0 && !c->is_over)
                (void) hv_client_run(c->cli->client, 0);
        if (c->queue.len == 0 && c->result != HV_EXIT_OK)
                return -EIO;
        show_progress(c, c->queue.len);
        *ret = hv_buf_str(&c->queue);
        return (ssize_t) c->queue.len;
}

static int begin_download(struct cp *c) {
        _hv_cleanup_(hv_buf_done) struct hv_buf url = {};
        struct hv_client_stream stream = { .on_data = on_data, .on_end = on_end, .userdata = c };
        struct hv_err err = {};

        put_url(c, c->inside, NULL, &url);
        stream.path = hv_buf_str(&url);
        if (hv_client_stream_start(c->cli->client, &stream, &err) < 0)
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s", err.msg);
        return HV_EXIT_OK;
}

static int print_tar(struct cp *c) {
        const void *data;
        ssize_t n;
        int r;

        if (c->cli->out_is_tty)
                return hv_cli_usage(c->cli,
                                    "standard output is a terminal: send the tar to a file or a program");
        r = begin_download(c);
        if (r != HV_EXIT_OK)
                return r;
        while ((n = read_download(c, &data)) > 0) {
                r = hv_fd_write(STDOUT_FILENO, data, (size_t) n);
                if (r < 0)
                        return hv_cli_fail(c->cli, HV_EXIT_ERROR, "cannot write the tar: %s", strerror(-r));
        }
        return c->result;
}

/* The folder that it goes into, open, and its name there; *ret_name NULL: the contents go right into it. -1: told, *ret_code. */
static int open_destination(struct cp *c, bool is_dir, char **ret_name, int *ret_code) {
        const char *here = c->here;
        size_t len = strlen(here);
        _hv_cleanup_free_ char *plain = hv_strndup(here, len > 1 && here[len - 1] == '/' ? len - 1 : len),
                               *folder = NULL;
        struct stat st, link;
        int fd;

        *ret_name = NULL;
        if (stat(plain, &st) == 0 && S_ISDIR(st.st_mode)) {
                folder = hv_strdup(plain);
                if (!c->is_contents)
                        *ret_name = hv_strdup(leaf_of(c->inside));
        } else {
                bool is_there = lstat(plain, &link) == 0;

                *ret_code = HV_EXIT_ERROR;
                if (is_there && (is_dir || !S_ISREG(link.st_mode)))
                        *ret_code = hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s is there, and is no %s", here,
                                                is_dir ? "directory" : "regular file");
                else if (!is_dir && here[len - 1] == '/')
                        *ret_code =
                                hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s is no directory that is there", here);
                else {
                        folder = strchr(plain, '/') ? folder_of(plain) : hv_strdup(".");
                        *ret_name = hv_strdup(leaf_of(plain));
                }
                if (!folder)
                        return -1;
        }
        fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                *ret_code = hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s cannot be opened: %s", folder,
                                        strerror(errno));
        return fd;
}

static int copy_out(struct cp *c) {
        _hv_cleanup_(hv_json_freep) struct hv_json *there = NULL;
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        _hv_cleanup_free_ char *name = NULL;
        struct hv_untar untar = { .read = read_download, .left_out = left_out, .userdata = c };
        struct hv_err err = {};
        int r = look(c, c->inside, false, &there);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_streq(c->here, "-"))
                return print_tar(c);
        if (c->is_contents && !is_folder(there))
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s is no directory", c->inside);
        fd = open_destination(c, is_folder(there), &name, &r);
        if (fd < 0)
                return r;
        r = begin_download(c);
        if (r != HV_EXIT_OK)
                return r;
        untar.dir_fd = fd;
        untar.name = name;
        untar.with_owners = hv_option_is_given(&c->cli->options, HV_OPT_ARCHIVE);
        if (hv_untar(&untar, &err) < 0 && c->result == HV_EXIT_OK) {
                hv_progress_clear(&c->progress);
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s: %s", c->here, err.msg);
        }
        hv_progress_clear(&c->progress);
        return c->result;
}

/* ---- in ---- */

static ssize_t give_upload(void *userdata, void *buf, size_t size) {
        struct cp *c = userdata;
        size_t n = HV_MIN(c->queue.len - c->taken, size);

        memcpy(buf, hv_buf_str(&c->queue) + c->taken, n);
        c->taken += n;
        if (c->taken == c->queue.len) {
                hv_buf_clear(&c->queue);
                c->taken = 0;
                hv_client_stop(c->cli->client);
        }
        return n == 0 && !c->is_whole ? -EAGAIN : (ssize_t) n;
}

/* The loop runs while too much waits. */
static int write_upload(void *userdata, const void *data, size_t len) {
        struct cp *c = userdata;

        hv_buf_add(&c->queue, data, len);
        show_progress(c, len);
        if (c->request)
                hv_request_wake(c->request);
        while (!c->is_over && c->queue.len - c->taken >= QUEUE_MAX_BYTES)
                (void) hv_client_run(c->cli->client, 0);
        return c->is_over ? -EPIPE : 0;
}

static int end_upload(struct cp *c) {
        c->is_whole = true;
        if (c->request)
                hv_request_wake(c->request);
        while (!c->is_over)
                (void) hv_client_run(c->cli->client, 0);
        return c->result;
}

static int begin_upload(struct cp *c, const char *folder) {
        _hv_cleanup_(hv_buf_done) struct hv_buf url = {};
        struct hv_client_upload upload = {
                .content_type = "application/x-tar", .read = give_upload, .on_end = on_end, .userdata = c
        };
        struct hv_err err = {};

        put_url(c, folder, NULL, &url);
        upload.path = hv_buf_str(&url);
        if (hv_client_upload_start(c->cli->client, &upload, &c->request, &err) < 0)
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s", err.msg);
        return HV_EXIT_OK;
}

static int send_standard_input(struct cp *c) {
        char piece[65536];
        ssize_t n;
        int r;

        if (isatty(STDIN_FILENO))
                return hv_cli_usage(c->cli, "standard input is a terminal: give it a tar");
        r = begin_upload(c, c->inside);
        if (r != HV_EXIT_OK)
                return r;
        while ((n = read(STDIN_FILENO, piece, sizeof piece)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return hv_cli_fail(c->cli, HV_EXIT_ERROR, "cannot read standard input: %s",
                                           strerror(errno));
                if (write_upload(c, piece, (size_t) n) < 0)
                        return c->result;
        }
        return end_upload(c);
}

/* Where it goes: *ret_folder, and its name there; *ret_name NULL: the contents go right into the folder. */
static int find_destination(struct cp *c, bool is_dir, bool is_contents, const char *source,
                            char **ret_folder, char **ret_name) {
        _hv_cleanup_(hv_json_freep) struct hv_json *there = NULL;
        int r = resolve(c, &there);

        if (r != HV_EXIT_OK)
                return r;
        if (there && is_folder(there)) {
                *ret_folder = hv_strdup(c->inside);
                *ret_name = is_contents ? NULL : hv_strdup(source);
                return HV_EXIT_OK;
        }
        if (there && is_dir)
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s is there, and is no directory", c->inside);
        if (!is_dir && c->is_folder_said)
                return hv_cli_fail(c->cli, there ? HV_EXIT_ERROR : HV_EXIT_NOT_FOUND,
                                   "%s is no directory that is there", c->inside);
        *ret_folder = folder_of(c->inside);
        *ret_name = hv_strdup(leaf_of(c->inside));
        return HV_EXIT_OK;
}

static int copy_in(struct cp *c) {
        _hv_cleanup_free_ char *folder = NULL, *name = NULL, *source = hv_strdup(c->here);
        struct hv_tar tar = { .write = write_upload, .left_out = left_out, .userdata = c };
        bool is_contents = false;
        struct hv_err err = {};
        size_t len = strlen(source);
        struct stat st;
        int r;

        if (hv_streq(c->here, "-"))
                return send_standard_input(c);
        if (has_no_name(source))
                is_contents = true;
        else
                while (len > 1 && source[len - 1] == '/')
                        source[--len] = '\0';
        if (lstat(source, &st) < 0)
                return hv_cli_fail(c->cli, errno == ENOENT ? HV_EXIT_NOT_FOUND : HV_EXIT_ERROR, "%s: %s",
                                   c->here, strerror(errno));
        r = find_destination(c, S_ISDIR(st.st_mode), is_contents, leaf_of(source), &folder, &name);
        if (r == HV_EXIT_OK)
                r = begin_upload(c, folder);
        if (r != HV_EXIT_OK)
                return r;
        tar.path = source;
        tar.name = name;
        tar.with_owners = hv_option_is_given(&c->cli->options, HV_OPT_ARCHIVE);
        if (hv_tar(&tar, &err) < 0 && !c->is_over) {
                hv_progress_clear(&c->progress);
                return hv_cli_fail(c->cli, HV_EXIT_ERROR, "%s",
                                   err.msg); /* the agent sees a body that breaks */
        }
        return end_upload(c);
}

/* ---- the verb ---- */

/* "web:/etc", "task/ID:out"; what begins with a slash or a dot is a path of this machine, whatever it holds. NULL: it is one. */
static char *colon_of(char *word) {
        return *word == '/' || *word == '.' ? NULL : strchr(word, ':');
}

static void take_inside(struct cp *c, const char *text) {
        size_t len;

        c->inside = hv_asprintf("%s%s", *text == '/' ? "" : "/", text);
        len = strlen(c->inside);
        if (len >= 2 && hv_streq(c->inside + len - 2, "/.")) {
                c->is_contents = true;
                c->inside[--len] = '\0';
        }
        while (len > 1 && c->inside[len - 1] == '/') {
                c->is_folder_said = true;
                c->inside[--len] = '\0';
        }
        c->is_contents = c->is_contents || has_no_name(c->inside);
}

int hv_cmd_cp(struct hv_cli *cli) {
        _hv_cleanup_free_ char *from = NULL, *to = NULL;
        const struct hv_cli_options *o = &cli->options;
        struct cp c = { .cli = cli, .progress.cli = cli };
        char *from_colon, *to_colon, *colon;
        int r;

        if (o->n_args < 2)
                return hv_cli_usage(cli, "from where to where? For example: hivectl cp web:/etc/hosts .");
        from = hv_strdup(o->args[0]);
        to = hv_strdup(o->args[1]);
        from_colon = colon_of(from);
        to_colon = colon_of(to);
        if (!from_colon == !to_colon)
                return hv_cli_usage(
                        cli, from_colon ? "one of the two is a path of this machine: copy by way of it"
                                        : "one of the two is in a container: SERVICE:PATH or task/ID:PATH");
        colon = from_colon ? from_colon : to_colon;
        *colon = '\0';
        if (!colon[1])
                return hv_cli_usage(cli, "which path in the container?");
        r = hv_cli_container(cli, from_colon ? from : to, &c.place);
        if (r == HV_EXIT_OK)
                r = hv_cli_connect(cli);
        if (r != HV_EXIT_OK)
                return r;
        take_inside(&c, colon + 1);
        c.here = from_colon ? to : from;
        if (!*c.here)
                r = hv_cli_usage(cli, "which path of this machine?");
        else if (from_colon && hv_streq(c.inside, "/") && !hv_streq(c.here, "-"))
                r = hv_cli_usage(cli, "the whole tree of a container comes as a tar only: hivectl cp %s -",
                                 o->args[0]);
        else
                r = from_colon ? copy_out(&c) : copy_in(&c);
        free(c.inside);
        hv_buf_done(&c.queue);
        return r == HV_EXIT_OK && c.n_left_out > 0 ? HV_EXIT_ERROR : r;
}
