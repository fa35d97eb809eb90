#include "run.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#define WORDS_MAX 32
#define PATIENCE_MS 120000

struct child {
        pid_t pid;
        int out, err, in; /* -1: none */
};

/* "get 'a b' c" -> three words. The text is written to. */
static size_t split(char *text, char **words) {
        size_t n = 0;

        for (char *p = text; *p && n < WORDS_MAX;) {
                char end = ' ';

                while (*p == ' ')
                        p++;
                if (!*p)
                        break;
                if (*p == '\'') {
                        end = '\'';
                        p++;
                }
                words[n++] = p;
                p += strcspn(p, end == ' ' ? " " : "'");
                if (*p)
                        *p++ = '\0';
        }
        words[n] = NULL;
        return n;
}

static void set_environment(struct stage *s, const struct run_options *o) {
        static const char *const cleared[] = { "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS",      "LC_ALL",
                                               "LANG",     "PAGER",          "HIVELET_PAGER" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(cleared); i++)
                (void) unsetenv(cleared[i]);
        (void) setenv("TERM", "xterm", 1);
        (void) setenv("LC_CTYPE", "C.UTF-8", 1);
        (void) setenv("HIVELET_SOCKET", s ? s->socket : "/nonexistent/hivelet.sock", 1);
        for (size_t i = 0; o->environment && o->environment[i]; i++)
                (void) putenv((char *) o->environment[i]);
}

static void become_hivectl(struct stage *s, const char *words, const struct run_options *o) {
        char *argv[WORDS_MAX + 2] = { hv_strdup("hivectl") };
        char *text = hv_strdup(words);

        set_environment(s, o);
        if (o->no_network && unshare(geteuid() == 0 ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET) < 0)
                _exit(125);
        if (o->is_nobody && geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
                _exit(125);
        (void) split(text, argv + 1);
        (void) execv(HV_BINARY_DIR "/cmd/hivectl/hivectl", argv);
        _exit(126);
}

static void make_pipe(int ends[2]) {
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
}

static struct child start_on_pipes(struct stage *s, const char *words, const struct run_options *o) {
        int out[2], err[2], in[2];
        struct child c;

        make_pipe(out);
        make_pipe(err);
        make_pipe(in);
        c.pid = fork();
        assert_true(c.pid >= 0);
        if (c.pid == 0) {
                int null = open("/dev/null", O_RDONLY);

                (void) dup2(o->input ? in[0] : null, STDIN_FILENO);
                if (o->closed_out)
                        (void) close(out[0]); /* the parent's end is closed below: nobody reads */
                (void) dup2(out[1], STDOUT_FILENO);
                (void) dup2(err[1], STDERR_FILENO);
                if (o->closed_out) {
                        char byte;

                        /* Waits until the parent has closed its end too. */
                        (void) close(in[1]);
                        (void) !read(in[0], &byte, 1);
                        (void) dup2(null, STDIN_FILENO);
                }
                become_hivectl(s, words, o);
        }
        (void) close(out[1]);
        (void) close(err[1]);
        (void) close(in[0]);
        c.out = out[0];
        c.err = err[0];
        c.in = -1;
        if (o->closed_out) {
                (void) close(c.out);
                c.out = -1;
        }
        if (o->input)
                assert_int_equal(write(in[1], o->input, strlen(o->input)), strlen(o->input));
        (void) close(in[1]);
        return c;
}

static struct child start_on_terminal(struct stage *s, const char *words, const struct run_options *o) {
        const struct winsize size = { .ws_row = 50, .ws_col = (unsigned short) o->columns };
        struct child c = { .err = -1, .in = -1 };

        c.pid = forkpty(&c.out, NULL, NULL, &size);
        assert_true(c.pid >= 0);
        if (c.pid == 0)
                become_hivectl(s, words, o);
        if (o->input) /* a terminal keeps what is typed before somebody asks */
                assert_int_equal(write(c.out, o->input, strlen(o->input)), strlen(o->input));
        return c;
}

/* True while the other end is open. */
static bool drain(int *fd, struct hv_buf *ret) {
        char chunk[16384];

        while (*fd >= 0) {
                ssize_t n = read(*fd, chunk, sizeof chunk);

                if (n > 0)
                        hv_buf_add(ret, chunk, (size_t) n);
                else if (n < 0 && errno == EAGAIN)
                        return true;
                else if (n == 0 || errno != EINTR) { /* a pty whose child has ended gives EIO */
                        (void) close(*fd);
                        *fd = -1;
                }
        }
        return false;
}

/* Waits for the child's output or for work of the stage. */
static void wait_a_little(struct stage *s, const struct child *c) {
        struct pollfd fds[3];
        nfds_t n = 0;

        if (s)
                fds[n++] = (struct pollfd){ sd_event_get_fd(s->event), POLLIN, 0 };
        if (c->out >= 0)
                fds[n++] = (struct pollfd){ c->out, POLLIN, 0 };
        if (c->err >= 0)
                fds[n++] = (struct pollfd){ c->err, POLLIN, 0 };
        if (s && sd_event_prepare(s->event) > 0) {
                (void) sd_event_dispatch(s->event);
                return;
        }
        if (poll(fds, n, PATIENCE_MS) == 0)
                fail_msg("hivectl neither ends nor says anything");
        if (s && sd_event_wait(s->event, 0) > 0)
                (void) sd_event_dispatch(s->event);
}

struct run run(struct stage *s, const char *words, const struct run_options *options) {
        static const struct run_options none = {};
        const struct run_options *o = options ? options : &none;
        struct child c = o->columns ? start_on_terminal(s, words, o) : start_on_pipes(s, words, o);
        struct run r = {};
        int status, told = 0;

        if (c.out >= 0)
                (void) fcntl(c.out, F_SETFL, O_NONBLOCK);
        if (c.err >= 0)
                (void) fcntl(c.err, F_SETFL, O_NONBLOCK);
        while (drain(&c.out, &r.out) | drain(&c.err, &r.err)) {
                int signal_number = o->each_turn && !told ? o->each_turn(s, &r, o->userdata) : 0;

                if (signal_number) {
                        told = signal_number;
                        (void) kill(c.pid, signal_number);
                }
                wait_a_little(s, &c);
        }
        assert_int_equal(waitpid(c.pid, &status, 0), c.pid);
        r.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return r;
}

void run_done(struct run *r) {
        hv_buf_done(&r->out);
        hv_buf_done(&r->err);
}
