/* Does the container engine answer, and if not: no socket, nobody behind it, no permission, or no reply? */
#include "cli/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

#define ENDPOINT_DEFAULT "unix:///var/run/docker.sock"
#define PATIENCE_MS 5000

static const struct {
        int code;
        const char *what, *fix;
} causes[] = {
        { -ENOENT, "there is no such socket",
          "systemctl start docker (Podman: systemctl start podman.socket); not installed: apt install docker.io; "
          "another place: DOCKER_HOST or hivelet --docker" },
        { -ECONNREFUSED, "nobody listens there",
          "systemctl restart docker; journalctl -u docker -n 50 says why it ended. hivelet goes on by itself" },
        { -EACCES, "no permission to connect",
          "the agent runs as root by its unit; by another user: usermod -aG docker USER, which makes it root in all but "
          "name" },
        { -ETIMEDOUT, "it does not answer",
          "systemctl restart docker; journalctl -u docker -n 50; a full disk or a stuck mount holds engines up too" },
};

static size_t cause_of(int code) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(causes); i++)
                if (causes[i].code == code)
                        return i;
        return 1;
}

static int dial(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd, r;

        if (strlen(path) >= sizeof address.sun_path)
                return -ENAMETOOLONG;
        strcpy(address.sun_path, path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *) &address, sizeof address) == 0)
                return fd;
        r = errno == EAGAIN ? -ETIMEDOUT : -errno; /* its queue is full, and nobody takes from it */
        (void) close(fd);
        return r;
}

/* 0: it answers a ping. */
static int ping(const char *path) {
        static const char request[] = "GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n";
        _hv_cleanup_(hv_fd_closep) int fd = dial(path);
        struct pollfd p = { fd, POLLIN, 0 };
        char byte;

        if (fd < 0)
                return fd;
        if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
                return -errno;
        if (poll(&p, 1, PATIENCE_MS) == 0)
                return -ETIMEDOUT;
        return read(fd, &byte, 1) == 1 ? 0 : -ECONNREFUSED;
}

/* What the agent was told counts more than what this user may see. */
static int cause_in_words(const char *message) {
        static const struct {
                const char *word;
                int code;
        } words[] = {
                { "no such socket", -ENOENT },       { "no permission", -EACCES },
                { "nobody listens", -ECONNREFUSED }, { "within", -ETIMEDOUT },
                { "nothing was heard", -ETIMEDOUT },
        };

        for (size_t i = 0; message && i < HV_ARRAY_SIZE(words); i++)
                if (strstr(message, words[i].word))
                        return words[i].code;
        return 0;
}

static const char *endpoint_of(const struct hv_doctor *d) {
        const char *told = hv_json_str(hv_json_get(d->status, "engine"), "endpoint"),
                   *from_environment = getenv("DOCKER_HOST");

        if (told)
                return told;
        return d->is_local && !hv_str_empty(from_environment) ? from_environment : ENDPOINT_DEFAULT;
}

/* Of an agent that does not say: asked from here, where it is a socket of this machine. */
static void look(struct hv_doctor *d, const char *endpoint, const char *message) {
        bool is_socket = hv_has_prefix(endpoint, "unix://");
        int r = cause_in_words(message);
        size_t cause;

        if (r == 0 && d->is_local && is_socket)
                r = ping(endpoint + strlen("unix://"));
        else if (r == 0 && !message) {
                hv_doctor_say(d, "engine", HV_CHECK_SKIP, NULL, "%s is not asked from here", endpoint);
                return;
        }
        if (r == 0 && !message) {
                hv_doctor_say(d, "engine", HV_CHECK_OK, NULL, "something answers at %s", endpoint);
                return;
        }
        cause = cause_of(r);
        if (r == 0) /* it is well from here, and not for the agent */
                hv_doctor_say(d, "engine", HV_CHECK_FAIL, "hivectl status; journalctl -u hivelet -n 50", "%s",
                              message);
        else
                hv_doctor_say(d, "engine", HV_CHECK_FAIL, causes[cause].fix, "DockerDown: %s: %s", endpoint,
                              causes[cause].what);
}

void hv_doctor_engine(struct hv_doctor *d) {
        const struct hv_json *engine = hv_json_get(d->status, "engine");
        const char *state = hv_json_str(engine, "state"), *endpoint = endpoint_of(d),
                   *name = hv_json_str(engine, "name"), *version = hv_json_str(engine, "version"),
                   *message = hv_json_str(engine, "message");

        if (d->desired && !d->desired->settings.docker_enabled) {
                hv_doctor_say(d, "engine", HV_CHECK_SKIP, NULL,
                              "node.docker.enabled is false: no engine is used");
                return;
        }
        if (hv_streq(state, "Ready") || hv_streq(state, "Looking"))
                hv_doctor_say(d, "engine", HV_CHECK_OK, NULL, "%s %s answers at %s", name ? name : "it",
                              version ? version : "", endpoint);
        else
                look(d, endpoint, message);
        if (hv_has_prefix(endpoint, "tcp://") || hv_has_prefix(endpoint, "http://"))
                hv_doctor_say(d, "engine", HV_CHECK_WARN, "use its unix socket, or an ssh tunnel to it",
                              "%s: whoever reaches this port is root here", endpoint);
}
