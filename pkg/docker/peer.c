/* docker/peer.c - see peer.h. */
#include "docker/peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fd.h"
#include "docker/private.h"

/* dockerd and podman; a socket unit's is held by systemd itself. */
static const char *const engines[] = { "dockerd", "podman", "systemd" };

/* The rest of the line that begins with `name`; NULL: there is none. */
static const char *line_of(const char *text, const char *name) {
        for (const char *p = text; p && *p; p = strchr(p, '\n'), p += p != NULL)
                if (hv_has_prefix(p, name))
                        return p + strlen(name) + strspn(p + strlen(name), " \t");
        return NULL;
}

static bool is_word(const char *line, const char *word) {
        return line && strcspn(line, "\n") == strlen(word) && hv_has_prefix(line, word);
}

bool hv_docker_status_is_neighbours(const char *text) {
        const char *name = line_of(text, "Name:"), *pids = line_of(text, "NSpid:");

        /* One pid for each namespace from the reader's down to the process's own. */
        if (!pids || strspn(pids, "0123456789") == 0 || strspn(pids, "0123456789") != strcspn(pids, "\n"))
                return false;
        for (size_t i = 0; i < HV_ARRAY_SIZE(engines); i++)
                if (is_word(name, engines[i]))
                        return true;
        return false;
}

static bool has_peer(const char *socket_path, struct ucred *ret) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        _hv_cleanup_(hv_fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t size = sizeof *ret;

        if (fd < 0 || strlen(socket_path) >= sizeof address.sun_path)
                return false;
        memcpy(address.sun_path, socket_path, strlen(socket_path));
        return connect(fd, (const struct sockaddr *) &address, sizeof address) == 0 &&
               getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret, &size) == 0;
}

bool hv_docker_is_neighbour(const struct hv_docker *d) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char path[64], text[4096];
        struct ucred peer;
        ssize_t n;

        if (!d->socket_path || !has_peer(d->socket_path, &peer) || peer.uid != 0 || peer.pid <= 0)
                return false;
        (void) snprintf(path, sizeof path, "/proc/%d/status", (int) peer.pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        n = read(fd, text, sizeof text - 1);
        if (n <= 0)
                return false;
        text[n] = '\0';
        return hv_docker_status_is_neighbours(text);
}
