/* hivepool result, logs - bytes of a task, brought here piece by piece. */
#include <errno.h>
#include <fcntl.h>
#include <nodepool_admin.pb-c.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/sha256.h"
#include "cli/terminal.h"
#include "client.h"

struct fetching {
        int fd;
        bool is_escaped; /* a log on a terminal */
        uint64_t total, n;
        char sha256[HV_SHA256_HEX_SIZE];
        struct hv_sha256 hash;
};

static int write_piece(struct fetching *f, const ProtobufCBinaryData *data) {
        _hv_cleanup_(hv_buf_done) struct hv_buf safe = {};
        int r;

        if (f->is_escaped)
                hv_terminal_escape(&safe, (const char *) data->data, data->len);
        r = hv_fd_write(f->fd, f->is_escaped ? hv_buf_str(&safe) : (const char *) data->data,
                        f->is_escaped ? safe.len : data->len);
        return r < 0 ? fail(HV_EXIT_ERROR, "cannot write: %s", strerror(-r)) : HV_EXIT_OK;
}

static int on_piece(void *userdata, struct hv_rpc_bytes *message) {
        struct fetching *f = userdata;
        Hivepool__Piece *m =
                hivepool__piece__unpack(NULL, hv_rpc_bytes_len(message), hv_rpc_bytes_flat(message));
        int code;

        if (!m)
                return fail(HV_EXIT_ERROR, "the pool's answer cannot be read");
        if (*m->sha256 && strlen(m->sha256) < sizeof f->sha256) {
                (void) snprintf(f->sha256, sizeof f->sha256, "%s", m->sha256);
                f->total = m->total;
        }
        hv_sha256_add(&f->hash, m->data.data, m->data.len);
        f->n += m->data.len;
        code = m->data.len > 0 ? write_piece(f, &m->data) : HV_EXIT_OK;
        hivepool__piece__free_unpacked(m, NULL);
        return code;
}

static int fetch(struct cli *cli, const char *method, struct fetching *f) {
        _hv_cleanup_(client_freep) struct client *client = client_new(cli);
        Hivepool__ReadRequest m = HIVEPOOL__READ_REQUEST__INIT;
        uint64_t attempt = 0;
        int code = option_number(cli, OPT_ATTEMPT, 1, UINT32_MAX, 0, &attempt);

        m.id = cli->args[0];
        m.attempt = (uint32_t) attempt;
        hv_sha256_init(&f->hash);
        return code == HV_EXIT_OK ? client_stream(client, method, &m.base, on_piece, f) : code;
}

int run_logs(struct cli *cli) {
        struct fetching f = { .fd = STDOUT_FILENO, .is_escaped = isatty(STDOUT_FILENO) };

        return fetch(cli, "ReadLog", &f);
}

static int check_whole(const struct fetching *f) {
        struct hv_sha256 hash = f->hash;
        char found[HV_SHA256_HEX_SIZE];

        hv_sha256_finish_hex(&hash, found);
        if (f->n == f->total && hv_streq(found, f->sha256))
                return HV_EXIT_OK;
        return fail(HV_EXIT_ERROR, "the result was damaged on its way: SHA-256 %s, expected %s", found,
                    f->sha256);
}

/* A whole file under its name, or none. */
static int fetch_to(struct cli *cli, const char *dir) {
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s.zip", dir, cli->args[0]);
        _hv_cleanup_free_ char *part = hv_asprintf("%s.part", path);
        struct fetching f = {};
        int code;

        if (strchr(cli->args[0], '/'))
                return fail(HV_EXIT_NOT_FOUND, "there is no task %s", cli->args[0]);
        f.fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (f.fd < 0)
                return fail(HV_EXIT_ERROR, "%s: %s", part, strerror(errno));
        code = fetch(cli, "ReadResult", &f);
        if (code == HV_EXIT_OK)
                code = check_whole(&f);
        if (code == HV_EXIT_OK && (fsync(f.fd) < 0 || rename(part, path) < 0))
                code = fail(HV_EXIT_ERROR, "%s: %s", path, strerror(errno));
        if (code != HV_EXIT_OK)
                (void) unlink(part);
        else
                (void) printf("%s\n", path);
        hv_fd_closep(&f.fd);
        return code;
}

int run_result(struct cli *cli) {
        const char *dir = option_is_given(cli, OPT_OUTPUT) ? cli->values[OPT_OUTPUT] : ".";
        struct fetching f = { .fd = STDOUT_FILENO };
        int code;

        if (!hv_streq(dir, "-"))
                return fetch_to(cli, dir);
        if (isatty(STDOUT_FILENO))
                return usage_error(cli, "a zip is not for a terminal: redirect it, or name a folder");
        code = fetch(cli, "ReadResult", &f);
        return code == HV_EXIT_OK ? check_whole(&f) : code;
}
