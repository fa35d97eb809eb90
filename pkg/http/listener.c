#include "http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"

/* Connections that the kernel keeps while the loop is busy; the kernel cuts it to net.core.somaxconn. */
#define BACKLOG 512

#define KEEPALIVE_IDLE_S 30
#define KEEPALIVE_EVERY_S 10
#define KEEPALIVE_TRIES 6
/* No shorter than that takes, which it would cut short. */
#define UNCONFIRMED_MAX_MS (1000 * (KEEPALIVE_IDLE_S + KEEPALIVE_EVERY_S * KEEPALIVE_TRIES))

static struct hv_http_listener *listener_new(bool is_local_socket) {
        struct hv_http_listener *l = HV_NEW(struct hv_http_listener);

        l->fd = -1;
        l->is_local_socket = is_local_socket;
        return l;
}

struct hv_http_listener *hv_http_listener_free(struct hv_http_listener *l) {
        struct stat st;

        if (!l)
                return NULL;
        if (l->path && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode &&
            st.st_ctim.tv_sec == l->changed.tv_sec && st.st_ctim.tv_nsec == l->changed.tv_nsec)
                (void) unlink(l->path);
        if (l->fd >= 0)
                (void) close(l->fd);
        free(l->path);
        free(l);
        return NULL;
}

HV_DEFINE_CLEANUP(struct hv_http_listener, hv_http_listener_free);

/* --- unix ------------------------------------------------------------------------------------------------------- */

/* A process that was killed while it started a child leaves its sockets to that child until the child's exec(2):
 * connections come through, and nobody ever takes them. The kernel keeps who called listen(2); 0 is one that cannot be
 * seen from here. */
static bool is_of_a_dead_process(int connected_fd) {
        struct ucred maker = {};
        socklen_t len = sizeof maker;

        return getsockopt(connected_fd, SOL_SOCKET, SO_PEERCRED, &maker, &len) == 0 && maker.pid > 0 &&
               kill(maker.pid, 0) < 0 && errno == ESRCH;
}

/* 1: somebody listens behind the file; 0: nobody does, or there is no file; -errno: it is something else. */
static int somebody_answers(const struct sockaddr_un *sa) {
        struct stat st;
        int fd, r;

        if (lstat(sa->sun_path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (!S_ISSOCK(st.st_mode))
                return -EEXIST;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) sa, sizeof *sa) == 0)
                r = !is_of_a_dead_process(fd);
        else /* EAGAIN is an answer: its backlog is full */
                r = errno == EAGAIN ? 1 : errno == ECONNREFUSED || errno == ENOENT ? 0 : -errno;
        (void) close(fd);
        return r;
}

/* From the look at the old file to listen() no other starter may look. The lock is a file of its own, which nobody else
 * can open: the directory itself could be locked, for ever, by whoever may read it. */
static int lock_path(const char *lock, struct hv_err *err) {
        for (;;) {
                int fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
                struct stat mine, there;

                if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0) {
                        int r = -errno;

                        if (fd >= 0)
                                (void) close(fd);
                        return hv_err_errno(err, r, "%s: cannot lock the place of the socket", lock);
                }
                /* Whoever had it before has removed it? */
                if (lstat(lock, &there) == 0 && there.st_dev == mine.st_dev && there.st_ino == mine.st_ino)
                        return fd;
                (void) close(fd);
        }
}

static void unlock_path(const char *lock, int fd) {
        (void) unlink(lock); /* while it is locked: who waits for it looks again */
        (void) close(fd);
}

static int bind_unix(struct hv_http_listener *l, const struct sockaddr_un *sa, struct hv_err *err) {
        mode_t mask;
        int r;

        r = somebody_answers(sa);
        if (r == -EEXIST)
                return hv_err_set(err, r, "%s exists and is no socket: move it away", sa->sun_path);
        if (r < 0)
                return hv_err_errno(err, r, "%s: cannot see whether somebody uses it", sa->sun_path);
        if (r > 0)
                return hv_err_set(err, -EADDRINUSE, "%s is in use: another hivelet runs already",
                                  sa->sun_path);
        if (unlink(sa->sun_path) < 0 && errno != ENOENT)
                return hv_err_errno(err, -errno, "%s: the socket of an earlier run cannot be removed",
                                    sa->sun_path);
        /* The mode must be right before anybody can connect; there is no call that gives bind() one. */
        mask = umask(0117);
        r = bind(l->fd, (const struct sockaddr *) sa, sizeof *sa) < 0 ? -errno : 0;
        (void) umask(mask);
        if (r < 0)
                return hv_err_errno(err, r, "%s: cannot make the socket", sa->sun_path);
        return 0;
}

static int give_to_group(const char *path, const char *group, struct hv_err *err) {
        const struct group *g = group ? getgrnam(group) : NULL;

        if (g && lchown(path, (uid_t) -1, g->gr_gid) < 0)
                return hv_err_errno(err, -errno, "%s: cannot give the socket to group %s", path, group);
        return 0;
}

int hv_http_listen_unix(const char *path, const char *group, struct hv_http_listener **ret,
                        struct hv_err *err) {
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = listener_new(true);
        _hv_cleanup_free_ char *lock = hv_asprintf("%s.lock", path);
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        struct stat st;
        int lock_fd, r;

        if (path[0] != '/')
                return hv_err_set(err, -EINVAL, "the socket's path \"%s\" is not absolute", path);
        if (strlen(path) >= sizeof sa.sun_path)
                return hv_err_set(err, -ENAMETOOLONG, "the socket's path \"%s\" is longer than %zu bytes",
                                  path, sizeof sa.sun_path - 1);
        strcpy(sa.sun_path, path);
        l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (l->fd < 0)
                return hv_err_errno(err, -errno, "cannot make a unix socket");
        lock_fd = lock_path(lock, err);
        if (lock_fd < 0)
                return lock_fd;
        r = bind_unix(l, &sa, err);
        if (r == 0 && listen(l->fd, BACKLOG) < 0)
                r = hv_err_errno(err, -errno, "%s: cannot listen", path);
        unlock_path(lock, lock_fd);
        if (r < 0)
                return r;
        l->path = hv_strdup(path);
        r = give_to_group(path, group, err);
        if (r < 0)
                return r;
        if (lstat(path, &st) < 0)
                return hv_err_errno(err, -errno, "%s: the new socket is gone", path);
        l->device = st.st_dev;
        l->inode = st.st_ino;
        l->changed = st.st_ctim;
        *ret = HV_STEAL(l);
        return 0;
}

/* --- TCP -------------------------------------------------------------------------------------------------------- */

union address {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
};

static bool is_loopback(const union address *a) {
        return a->sa.sa_family == AF_INET ? (ntohl(a->in.sin_addr.s_addr) >> 24) == 127
                                          : IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr) != 0;
}

static int read_port(const char *s, uint16_t *ret) {
        struct hv_decimal d;

        if (hv_decimal_read(&s, &d) != HV_PARSE_OK || *s || d.fraction || d.rest || d.whole > UINT16_MAX)
                return -EINVAL;
        *ret = (uint16_t) d.whole;
        return 0;
}

/* "HOST:PORT"; the host is a literal address or localhost: a name that DNS answers for is not ours to trust. */
static int read_address(const char *text, bool is_protected, struct hv_http_listener *l, union address *ret,
                        struct hv_err *err) {
        const char *colon = strrchr(text, ':');
        char host[64] = "";
        size_t len = colon ? (size_t) (colon - text) : 0;

        if (!colon || len >= sizeof host || read_port(colon + 1, &l->port) < 0)
                return hv_err_set(err, -EINVAL, "listen address \"%s\" is not ADDRESS:PORT", text);
        if (len > 1 && text[0] == '[' && text[len - 1] == ']')
                memcpy(host, text + 1, len - 2);
        else
                memcpy(host, text, len);
        if (len == 0 || hv_streq(host, "*"))
                strcpy(host, "0.0.0.0");
        if (hv_streq(host, "localhost"))
                strcpy(host, "127.0.0.1");
        if (inet_pton(AF_INET, host, &ret->in.sin_addr) == 1) {
                ret->in.sin_family = AF_INET;
                ret->in.sin_port = htons(l->port);
                (void) snprintf(l->host, sizeof l->host, "%s", host);
        } else if (inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1) {
                ret->in6.sin6_family = AF_INET6;
                ret->in6.sin6_port = htons(l->port);
                (void) snprintf(l->host, sizeof l->host, "[%.61s]", host);
        } else {
                return hv_err_set(err, -EINVAL,
                                  "listen address \"%s\": \"%s\" is no IP address and not localhost", text,
                                  host);
        }
        if (!is_protected && !is_loopback(ret))
                return hv_err_set(
                        err, -EPERM,
                        "E0504: %s without auth and tls; set http.auth and http.tls, or bind to loopback",
                        text);
        return 0;
}

int hv_http_listen_tcp(const char *address, bool is_protected, struct hv_http_listener **ret,
                       struct hv_err *err) {
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = listener_new(false);
        union address a = {};
        socklen_t len;
        int one = 1, r;

        r = read_address(address, is_protected, l, &a, err);
        if (r < 0)
                return r;
        len = a.sa.sa_family == AF_INET ? sizeof a.in : sizeof a.in6;
        l->fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (l->fd < 0)
                return hv_err_errno(err, -errno, "%s: cannot make a socket", address);
        /* A restart must not wait for old connections to leave TIME_WAIT; on Linux this lets no second listener in. */
        (void) setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if (bind(l->fd, &a.sa, len) < 0 || listen(l->fd, BACKLOG) < 0)
                return hv_err_errno(err, -errno, "%s: cannot listen", address);
        if (getsockname(l->fd, &a.sa, &len) < 0)
                return hv_err_errno(err, -errno, "%s: which port it is cannot be read", address);
        l->port = ntohs(a.sa.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
        *ret = HV_STEAL(l);
        return 0;
}

/* --- clients ---------------------------------------------------------------------------------------------------- */

static void identify_unix(int fd, struct hv_http_caller *caller) {
        struct ucred cred = { .pid = 0, .uid = (uid_t) -1, .gid = (gid_t) -1 };
        socklen_t len = sizeof cred;

        (void) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
        caller->pid = cred.pid;
        caller->uid = cred.uid;
        caller->gid = cred.gid;
        (void) snprintf(caller->address, sizeof caller->address, "unix:uid=%d", (int) cred.uid);
}

/* Brackets as in a URL where they are wished. */
static void write_ip(const union address *a, bool with_brackets, char *ret, size_t size) {
        const void *ip = a->sa.sa_family == AF_INET ? (const void *) &a->in.sin_addr : &a->in6.sin6_addr;
        char text[INET6_ADDRSTRLEN] = "";

        (void) inet_ntop(a->sa.sa_family, ip, text, sizeof text);
        (void) snprintf(ret, size, with_brackets && a->sa.sa_family == AF_INET6 ? "[%s]" : "%s", text);
}

static void identify_tcp(int fd, const union address *a, struct hv_http_caller *caller) {
        union address local = {};
        socklen_t len = sizeof local;

        caller->uid = (uid_t) -1;
        caller->gid = (gid_t) -1;
        write_ip(a, false, caller->address, sizeof caller->address);
        if (getsockname(fd, &local.sa, &len) == 0)
                write_ip(&local, true, caller->connected_to, sizeof caller->connected_to);
}

/* A client that is gone without a word ends what it has open, also where nobody has anything to say: a session in a container. */
static void keep_alive(int fd) {
        int yes = 1, idle_s = KEEPALIVE_IDLE_S, every_s = KEEPALIVE_EVERY_S, tries = KEEPALIVE_TRIES;

        (void) setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
        (void) setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

void hv_http_listener_expect_acks(int tcp_fd) {
        unsigned within_ms = UNCONFIRMED_MAX_MS;

        (void) setsockopt(tcp_fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &within_ms, sizeof within_ms);
}

int hv_http_listener_accept(const struct hv_http_listener *l, struct hv_http_caller *ret_caller) {
        struct hv_http_caller caller = { .is_local_socket = l->is_local_socket };
        union address a = {};
        socklen_t len = sizeof a;
        int one = 1, fd;

        fd = accept4(l->fd, l->is_local_socket ? NULL : &a.sa, l->is_local_socket ? NULL : &len,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return -errno;
        if (l->is_local_socket) {
                identify_unix(fd, &caller);
        } else {
                identify_tcp(fd, &a, &caller);
                (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                keep_alive(fd);
        }
        *ret_caller = caller;
        return fd;
}
