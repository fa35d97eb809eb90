/* hivectl exec: a command in a container that runs.
 *
 * What this side reads goes into frames (base/frame.h), what comes in frames goes out: held back by the agent where the container
 * takes no more, and by whoever reads our output. The terminal is raw while it belongs to the command, and given back on every
 * way out. */
#include "cli/cli_internal.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/frame.h"
#include "base/parse.h"
#include "cli/client.h"
#include "cli/raw_terminal.h"
#include "transfer/duplex.h"
#include "json/write.h"

#define PIECE_BYTES ((size_t) 16384)
#define CTRL_P 0x10
#define CTRL_Q 0x11

struct exec {
        struct hv_cli *cli;
        struct hv_duplex *duplex;
        struct hv_frames frames;
        sd_event_source *input; /* NULL: there is none, or it has ended */
        bool tty;
        bool has_ctrl_p; /* was typed, and not sent yet */
        bool is_over;
        int code;
};

static void over(struct exec *e, int code) {
        if (!e->is_over)
                e->code = code;
        e->is_over = true;
        hv_client_stop(e->cli->client);
}

/* A sentence of ours does not run down a raw terminal as a staircase. */
static _hv_printf_(3, 4) void fail(struct exec *e, int code, const char *fmt, ...) {
        struct hv_buf text = {};
        va_list ap;

        if (e->is_over)
                return;
        hv_raw_terminal_end();
        va_start(ap, fmt);
        hv_buf_vprintf(&text, fmt, ap);
        va_end(ap);
        over(e, hv_cli_fail(e->cli, code, "%s", hv_buf_str(&text)));
        hv_buf_done(&text);
}

/* ---- what comes ---- */

static void write_all(struct exec *e, int fd, const char *data, size_t len) {
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        fail(e, HV_EXIT_ERROR, "cannot write the output: %s", strerror(errno));
                        return;
                }
                data += n;
                len -= (size_t) n;
        }
}

static void detach(struct exec *e) {
        hv_raw_terminal_end();
        hv_cli_note(e->cli, "detached: the command goes on");
        over(e, HV_EXIT_OK);
}

static void take(struct exec *e, const struct hv_frame *f) {
        unsigned code;

        if (f->type == HV_FRAME_OUTPUT)
                write_all(e, STDOUT_FILENO, f->data, f->len);
        else if (f->type == HV_FRAME_ERRORS)
                write_all(e, STDERR_FILENO, f->data, f->len);
        else if (hv_frame_exit(f, &code))
                over(e, (int) (code & 0xff));
        else if (f->type == HV_FRAME_DETACHED)
                detach(e);
        else if (f->type == HV_FRAME_FAILED)
                fail(e, HV_EXIT_UNREACHABLE, "the session broke: %s; the command may go on", f->data);
}

static void on_data(void *userdata, const char *data, size_t len) {
        struct exec *e = userdata;
        struct hv_frame frame;
        size_t used;
        int r;

        while (!e->is_over && (r = hv_frames_take(&e->frames, data, len, &used, &frame)) != 0) {
                if (r < 0) {
                        fail(e, HV_EXIT_ERROR, "the agent sent what is no frame of a session");
                        return;
                }
                take(e, &frame);
                data += used;
                len -= used;
        }
}

static void on_done(void *userdata, const struct hv_duplex_end *end) {
        _hv_cleanup_(hv_json_freep) struct hv_json *problem = NULL;
        struct exec *e = userdata;
        struct hv_err err = {};

        if (e->is_over)
                return;
        if (end->status) {
                if (hv_json_parse(end->body, end->body_len, HV_JSON_MAX_BYTES, &problem, NULL) < 0)
                        problem = NULL;
                over(e, hv_cli_problem(e->cli, end->status, problem));
        } else if (!end->is_sent) {
                (void) hv_client_unreachable(e->cli->client, end->message, &err);
                fail(e, HV_EXIT_UNREACHABLE, "%s", err.msg);
        } else
                fail(e, HV_EXIT_UNREACHABLE,
                     "the connection to the agent was lost%s%s; the command may go on",
                     *end->message ? ": " : "", end->message);
}

/* ---- what goes ---- */

static void send_frames(struct exec *e, const struct hv_buf *b) {
        if (b->len <= hv_duplex_room(e->duplex))
                hv_duplex_write(e->duplex, b->data, b->len);
}

static void send_size(struct exec *e) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        unsigned rows, columns;

        if (!hv_terminal_size(STDOUT_FILENO, &rows, &columns) &&
            !hv_terminal_size(STDIN_FILENO, &rows, &columns))
                return;
        hv_frame_put_size(&b, rows, columns);
        send_frames(e, &b);
}

/* Ctrl-P Ctrl-Q leaves the command alone. Here and not at the engine: Docker 20.10 takes such a command for one that failed. */
static void put_typed(struct exec *e, struct hv_buf *b, const char *typed, size_t len) {
        _hv_cleanup_(hv_buf_wipe) struct hv_buf sent = {};

        for (size_t i = 0; i < len; i++) {
                if (e->has_ctrl_p && typed[i] == CTRL_Q) {
                        detach(e);
                        return;
                }
                if (e->has_ctrl_p)
                        hv_buf_putc(&sent, CTRL_P);
                e->has_ctrl_p = typed[i] == CTRL_P;
                if (!e->has_ctrl_p)
                        hv_buf_putc(&sent, typed[i]);
        }
        if (sent.len > 0)
                hv_frame_put(b, HV_FRAME_INPUT, sent.data, sent.len);
}

static void pump(struct exec *e) {
        _hv_cleanup_(hv_buf_wipe) struct hv_buf b = {};
        char piece[PIECE_BYTES];
        size_t room = hv_frame_fits(hv_duplex_room(e->duplex));
        ssize_t n;

        if (room <= PIECE_BYTES) { /* a Ctrl-P may have waited */
                (void) sd_event_source_set_enabled(e->input, SD_EVENT_OFF);
                return;
        }
        n = read(STDIN_FILENO, piece, sizeof piece);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return;
        if (n <= 0)
                e->input = sd_event_source_disable_unref(e->input);
        if (e->tty && n > 0)
                put_typed(e, &b, piece, (size_t) n);
        else
                hv_frame_put(&b, HV_FRAME_INPUT, piece, n > 0 ? (size_t) n : 0);
        if (b.len > 0)
                send_frames(e, &b);
        explicit_bzero(piece, sizeof piece);
}

static int on_input(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        (void) s;
        (void) fd;
        (void) revents;
        pump(userdata);
        return 0;
}

/* A file is always ready, and epoll takes none. */
static int on_file(sd_event_source *s, void *userdata) {
        (void) s;
        pump(userdata);
        return 0;
}

static void on_room(void *userdata) {
        struct exec *e = userdata;

        if (e->input)
                (void) sd_event_source_set_enabled(e->input, SD_EVENT_ON);
}

static void on_open(void *userdata) {
        struct exec *e = userdata;
        sd_event *event = hv_client_event(e->cli->client);
        int r;

        if (e->tty) {
                hv_raw_terminal_begin(STDIN_FILENO);
                send_size(e); /* it may have changed since it was asked for */
        }
        if (!hv_option_is_given(&e->cli->options, HV_OPT_STDIN))
                return;
        r = sd_event_add_io(event, &e->input, STDIN_FILENO, EPOLLIN, on_input, e);
        if (r == -EPERM)
                r = sd_event_add_defer(event, &e->input, on_file, e);
        if (r >= 0)
                r = sd_event_source_set_enabled(e->input, SD_EVENT_ON);
        if (r < 0)
                fail(e, HV_EXIT_ERROR, "cannot read standard input: %s", strerror(-r));
}

/* ---- signals ---- */

static int on_size(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        (void) s;
        (void) si;
        send_size(userdata);
        return 0;
}

static int on_end(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        struct exec *e = userdata;

        (void) s;
        fail(e, 128 + (int) si->ssi_signo, "ended by %s; the command may go on",
             strsignal((int) si->ssi_signo));
        return 0;
}

/* Waited for, so that the terminal is given back first. */
static void wait_for_signals(struct exec *e) {
        static const int ENDS[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        sd_event *event = hv_client_event(e->cli->client);
        sigset_t set;

        (void) sigemptyset(&set);
        (void) sigaddset(&set, SIGWINCH);
        for (size_t i = 0; i < HV_ARRAY_SIZE(ENDS); i++)
                (void) sigaddset(&set, ENDS[i]);
        (void) sigprocmask(SIG_BLOCK, &set, NULL);
        (void) signal(SIGPIPE, SIG_IGN); /* a write says it too, and then the terminal is given back */
        for (size_t i = 0; i < HV_ARRAY_SIZE(ENDS); i++)
                (void) sd_event_add_signal(event, NULL, ENDS[i], on_end, e);
        if (e->tty)
                (void) sd_event_add_signal(event, NULL, SIGWINCH, on_size, e);
}

/* ---- the verb ---- */

int hv_cli_container(struct hv_cli *cli, char *word, struct hv_cli_object *ret) {
        char *slash = strchr(word, '/');
        uint64_t n;
        int r;

        *ret = (struct hv_cli_object){ .kind = HV_KIND_SERVICE, .name = word, .replica = 1 };
        if (slash) {
                *slash = '\0';
                n = hv_kind_parse(word) != HV_KIND_NONE;
                *slash = '/';
                if (n > 0) {
                        r = hv_cli_object(cli, word, NULL, ret);
                        if (r != HV_EXIT_OK)
                                return r;
                        ret->replica = 1;
                }
        }
        if (ret->kind != HV_KIND_SERVICE && ret->kind != HV_KIND_TASK)
                return hv_cli_usage(cli,
                                    "only services and tasks have containers: NAME, NAME/REPLICA or task/ID");
        slash = strchr(ret->name, '/');
        if (!slash)
                return HV_EXIT_OK;
        if (ret->kind == HV_KIND_TASK || !hv_parse_uint(slash + 1, 1, 1000, &n))
                return hv_cli_usage(cli, "%s: a replica is a number from 1 on", slash + 1);
        *slash = '\0';
        ret->replica = (unsigned) n;
        return HV_EXIT_OK;
}

static void make_body(const struct hv_cli_options *o, const struct hv_cli_object *place, bool tty,
                      struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };
        unsigned rows, columns;

        hv_json_begin_object(&w, NULL);
        hv_json_begin_array(&w, "command");
        for (size_t i = 1; i < o->n_args; i++)
                hv_json_put_str(&w, NULL, o->args[i]);
        if (o->n_args == 1)
                hv_json_put_str(&w, NULL, "sh");
        hv_json_end(&w);
        hv_json_begin_array(&w, "env");
        for (size_t i = 0; i < o->n_env; i++)
                hv_json_put_str(&w, NULL, o->env[i]);
        hv_json_end(&w);
        if (o->user)
                hv_json_put_str(&w, "user", o->user);
        if (o->workdir)
                hv_json_put_str(&w, "workdir", o->workdir);
        hv_json_put_bool(&w, "tty", tty);
        hv_json_put_bool(&w, "stdin", hv_option_is_given(o, HV_OPT_STDIN));
        if (tty && (hv_terminal_size(STDOUT_FILENO, &rows, &columns) ||
                    hv_terminal_size(STDIN_FILENO, &rows, &columns))) {
                hv_json_put_uint(&w, "rows", rows);
                hv_json_put_uint(&w, "columns", columns);
        }
        hv_json_put_uint(&w, "replica", place->replica);
        hv_json_end(&w);
}

static int run(struct exec *e, const struct hv_cli_object *place) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        _hv_cleanup_(hv_buf_wipe) struct hv_buf body = {};
        struct hv_duplex_options options = {
                .protocol = "hivelet-session",
                .on_open = on_open,
                .on_data = on_data,
                .on_room = on_room,
                .on_done = on_done,
                .userdata = e,
        };
        struct hv_err err = {};
        int r;

        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(place->kind));
        hv_cli_escape_path(&path, place->name);
        hv_buf_puts(&path, "/exec");
        make_body(&e->cli->options, place, e->tty, &body);
        options.body = body.data;
        options.body_len = body.len;
        wait_for_signals(e);
        r = hv_client_duplex(e->cli->client, hv_buf_str(&path), &options, &e->duplex, &err);
        if (r < 0)
                return hv_cli_fail(e->cli, HV_EXIT_ERROR, "%s", err.msg);
        (void) hv_client_run(e->cli->client, 0);
        return e->code;
}

int hv_cmd_exec(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        struct exec e = { .cli = cli, .tty = hv_option_is_given(o, HV_OPT_TTY) };
        _hv_cleanup_free_ char *word = NULL;
        struct hv_cli_object place;
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "in what? For example: hivectl exec -it web -- sh");
        word = hv_strdup(o->args[0]);
        r = hv_cli_container(cli, word, &place);
        if (r != HV_EXIT_OK)
                return r;
        if (e.tty && hv_option_is_given(o, HV_OPT_STDIN) && !isatty(STDIN_FILENO))
                return hv_cli_usage(cli, "standard input is no terminal: leave out --tty");
        for (size_t i = 0; i < o->n_env; i++)
                if (strcspn(o->env[i], "=") == 0 || !strchr(o->env[i], '='))
                        return hv_cli_usage(cli, "--env: expected NAME=VALUE");
        r = hv_cli_connect(cli);
        if (r != HV_EXIT_OK)
                return r;
        r = run(&e, &place);
        hv_raw_terminal_end();
        sd_event_source_disable_unref(e.input);
        (void) hv_duplex_free(e.duplex);
        hv_frames_done(&e.frames);
        return r;
}
