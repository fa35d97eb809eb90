/* world.c - see world.h. */
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/loop.h"

#define INSIDE "HV_TEST_INSIDE"

void world_enter(char **argv) {
        if (getenv(INSIDE)) {
                if (mount("tmpfs", "/run", "tmpfs", 0, "mode=0755") < 0) {
                        perror("cannot mount a /run of its own");
                        exit(1);
                }
                return;
        }
        (void) setenv(INSIDE, "1", 1);
        (void) execlp("unshare", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                      "--mount-proc", argv[0], (char *) NULL);
        perror("unshare: this test makes network namespaces and needs root");
        exit(1);
}

/* --- commands --- */

static FILE *start(const char *format, va_list ap) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        FILE *f;

        hv_buf_vprintf(&b, format, ap);
        f = popen(hv_buf_str(&b), "re");
        if (!f)
                fail_msg("%s: %s", hv_buf_str(&b), strerror(errno));
        return f;
}

static char *finish(FILE *f, int *ret_status) {
        struct hv_buf out = {};
        char part[4096];
        size_t n;

        while ((n = fread(part, 1, sizeof part, f)) > 0)
                hv_buf_add(&out, part, n);
        *ret_status = pclose(f);
        if (out.len && out.data[out.len - 1] == '\n')
                out.data[--out.len] = '\0';
        return hv_buf_steal(&out);
}

void sh(const char *format, ...) {
        _hv_cleanup_free_ char *out = NULL;
        va_list ap;
        int status;

        va_start(ap, format);
        out = finish(start(format, ap), &status);
        va_end(ap);
        if (status != 0)
                fail_msg("%s: status %d: %s", format, status, out);
}

bool sh_ok(const char *format, ...) {
        _hv_cleanup_free_ char *out = NULL;
        va_list ap;
        int status;

        va_start(ap, format);
        out = finish(start(format, ap), &status);
        va_end(ap);
        return status == 0;
}

char *sh_output(const char *format, ...) {
        va_list ap;
        char *out;
        int status;

        va_start(ap, format);
        out = finish(start(format, ap), &status);
        va_end(ap);
        if (status != 0)
                fail_msg("%s: status %d: %s", format, status, out);
        return out;
}

/* --- beside the loop --- */

struct child {
        FILE *pipe;
        struct hv_buf out;
        bool is_over;
};

struct child *child_start(const char *format, ...) {
        struct child *c = HV_NEW(struct child);
        va_list ap;

        va_start(ap, format);
        c->pipe = start(format, ap);
        va_end(ap);
        return c;
}

static int on_output(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        struct child *c = userdata;
        char part[4096];
        ssize_t n = read(fd, part, sizeof part);

        (void) revents;
        if (n > 0)
                hv_buf_add(&c->out, part, (size_t) n);
        else {
                c->is_over = true;
                (void) sd_event_source_set_enabled(s, SD_EVENT_OFF);
        }
        return 0;
}

char *child_end(struct child *c, struct sd_event *event, int *ret_status) {
        sd_event_source *s = NULL;
        char *out;

        assert_true(sd_event_add_io(event, &s, fileno(c->pipe), EPOLLIN, on_output, c) >= 0);
        hv_test_run_until(event, c->is_over);
        sd_event_source_unref(s);
        *ret_status = pclose(c->pipe);
        out = hv_buf_steal(&c->out);
        free(c);
        return out;
}

/* --- the nodes --- */

void world_make(const char *public_key_of_a, bool by_kernel, char **ret_key) {
        sh("ip link set lo up && ip netns add b && ip -n b link set lo up && "
           "ip link add cable type veth peer name cable netns b && "
           "ip addr add 10.99.0.1/24 dev cable && ip link set cable up && "
           "ip -n b addr add 10.99.0.2/24 dev cable && ip -n b link set cable up 2>&1");
        /* Standard error stays where it is: a daemon that held the pipe would keep popen() waiting. */
        if (by_kernel)
                sh("ip -n b link add wgb type wireguard");
        else
                sh("LOG_LEVEL=silent ip netns exec b wireguard-go wgb >/dev/null 2>&1");
        sh("umask 077; wg genkey >/run/b.key && ip netns exec b wg set wgb private-key /run/b.key listen-port 51821 peer %s "
           "allowed-ips 10.98.0.1/32,10.97.0.0/16 && ip -n b addr add 10.98.0.2/24 dev wgb && "
           "ip -n b addr add 10.97.0.2/32 dev wgb && ip -n b link set wgb up",
           public_key_of_a);
        *ret_key = sh_output("wg pubkey </run/b.key");
}
