/* Sockets that clients connect to (http/listener.h), with real files and ports. */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "http/listener.h"

HV_DEFINE_CLEANUP(struct hv_http_listener, hv_http_listener_free);

struct place {
        char dir[40], path[64];
};

static int set_up(void **state) {
        struct place *p = HV_NEW(struct place);

        strcpy(p->dir, "/tmp/hivelet-listener-XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        (void) snprintf(p->path, sizeof p->path, "%s/hivelet.sock", p->dir);
        *state = p;
        return 0;
}

static int tear_down(void **state) {
        struct place *p = *state;

        (void) unlink(p->path);
        assert_int_equal(rmdir(p->dir), 0); /* nothing else is left beside the socket */
        free(p);
        return 0;
}

static struct hv_http_listener *listen_unix(const char *path, const char *group) {
        struct hv_http_listener *l = NULL;
        struct hv_err err = {};

        if (hv_http_listen_unix(path, group, &l, &err) < 0)
                fail_msg("%s", err.msg);
        return l;
}

static int connect_unix(const char *path) {
        struct sockaddr_un sa = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        strcpy(sa.sun_path, path);
        if (connect(fd, (struct sockaddr *) &sa, sizeof sa) == 0)
                return fd;
        (void) close(fd);
        return -errno;
}

static void test_file(void **state) {
        struct place *p = *state;
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL;
        struct group *g = getgrnam("daemon");
        struct stat st;
        mode_t before = umask(0);

        l = listen_unix(p->path, "daemon");
        assert_int_equal(umask(before), 0); /* ours was given back */
        assert_int_equal(lstat(p->path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 07777, 0660);
        assert_non_null(g);
        assert_int_equal(st.st_gid, g->gr_gid);
        assert_int_equal(fcntl(l->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);

        l = hv_http_listener_free(l);
        assert_int_equal(lstat(p->path, &st), -1);
        l = listen_unix(p->path, "no-such-group-here"); /* is no reason not to start */
}

static void test_peer(void **state) {
        struct place *p = *state;
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = listen_unix(p->path, NULL);
        struct hv_http_caller caller;
        int client = connect_unix(p->path), fd;

        assert_true(client >= 0);
        fd = hv_http_listener_accept(l, &caller);
        assert_true(fd >= 0);
        assert_true(caller.is_local_socket);
        assert_int_equal(caller.pid, getpid());
        assert_int_equal(caller.uid, getuid());
        assert_int_equal(caller.role, HV_HTTP_ROLE_UNDECLARED);
        assert_int_equal(hv_http_listener_accept(l, &caller), -EAGAIN);
        (void) close(client);
        (void) close(fd);
}

/* Anybody may lock a directory that he may read, and keep the lock: that must not keep the agent from starting. */
static void test_strangers_lock_is_nothing(void **state) {
        struct place *p = *state;
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL;
        int fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_int_equal(flock(fd, LOCK_EX), 0);
        (void) alarm(20); /* ends a test that waits for it */
        l = listen_unix(p->path, NULL);
        (void) alarm(0);
        (void) close(fd);
}

static void test_takes_over_only_what_is_dead(void **state) {
        struct place *p = *state;
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *first = listen_unix(p->path, NULL),
                                                                     *second = NULL;
        struct hv_err err = {};
        struct stat st;
        int fd;

        assert_int_equal(hv_http_listen_unix(p->path, NULL, &second, &err), -EADDRINUSE);
        assert_non_null(strstr(err.msg, "another hivelet"));
        assert_null(second);
        fd = connect_unix(p->path); /* and the first one is still reachable */
        assert_true(fd >= 0);
        (void) close(fd);

        (void) close(first->fd); /* dies as by SIGKILL: the file stays */
        first->fd = -1;
        assert_int_equal(lstat(p->path, &st), 0);
        second = listen_unix(p->path, NULL);
        fd = connect_unix(p->path);
        assert_true(fd >= 0);
        (void) close(fd);

        first = hv_http_listener_free(first); /* its file is not its own any more, and stays */
        assert_int_equal(lstat(p->path, &st), 0);
}

/* An agent that is killed while it starts a child: until the child's exec the socket takes connections. */
static void test_left_to_a_child(void **state) {
        struct place *p = *state;
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL;
        struct hv_err err = {};
        int gone[2], fd, status;
        pid_t maker;
        char c;

        assert_int_equal(pipe2(gone, O_CLOEXEC), 0);
        maker = fork();
        if (maker == 0) {
                l = listen_unix(p->path, NULL);
                if (fork() == 0) {
                        (void) close(gone[1]);
                        _exit((int) read(gone[0], &c, 1)); /* until the test is through */
                }
                _exit(l == NULL);
        }
        assert_true(maker > 0);
        (void) close(gone[0]);
        assert_int_equal(waitid(P_PID, (id_t) maker, &(siginfo_t){}, WEXITED | WNOWAIT), 0);
        fd = connect_unix(p->path);
        assert_true(fd >= 0);
        (void) close(fd);
        /* Dead, but whoever started it has not taken notice yet: as good as alive. */
        assert_int_equal(hv_http_listen_unix(p->path, NULL, &l, &err), -EADDRINUSE);
        assert_int_equal(waitpid(maker, &status, 0), maker);
        assert_int_equal(status, 0);
        l = listen_unix(p->path, NULL);
        fd = connect_unix(p->path);
        assert_true(fd >= 0);
        (void) close(fd);
        (void) close(gone[1]);
}

static void test_refuses_unix(void **state) {
        struct place *p = *state;
        struct hv_http_listener *l = NULL;
        struct hv_err err = {};
        char longest[200];
        int fd;

        assert_int_equal(hv_http_listen_unix("hivelet.sock", NULL, &l, &err), -EINVAL);
        assert_int_equal(hv_http_listen_unix("", NULL, &l, &err), -EINVAL); /* nor an abstract one */
        memset(longest, 'a', sizeof longest);
        longest[0] = '/';
        longest[150] = '\0';
        assert_int_equal(hv_http_listen_unix(longest, NULL, &l, &err), -ENAMETOOLONG);
        assert_int_equal(hv_http_listen_unix("/no/such/directory/x.sock", NULL, &l, &err), -ENOENT);
        assert_non_null(strstr(err.msg, "/no/such/directory"));

        fd = open(p->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* somebody's file */
        assert_true(fd >= 0);
        (void) close(fd);
        assert_int_equal(hv_http_listen_unix(p->path, NULL, &l, &err), -EEXIST);
        assert_int_equal(access(p->path, F_OK), 0);
        assert_null(l);
}

static void test_tcp_addresses(void **state) {
        static const struct {
                const char *address;
                int want;
        } ROWS[] = {
                { "127.0.0.1:0", 0 },
                { "localhost:0", 0 },
                { "127.1.2.3:0", 0 },
                { "0.0.0.0:0", -EPERM },
                { ":0", -EPERM },
                { "*:0", -EPERM },
                { "[::]:0", -EPERM },
                { "10.0.0.1:5000", -EPERM },
                { "192.168.1.1:5000", -EPERM },
                { "[2001:db8::1]:0", -EPERM },
                { "[::ffff:127.0.0.1]:0", -EPERM },
                { "example.org:80", -EINVAL },
                { "127.0.0.1", -EINVAL },
                { "127.0.0.1:", -EINVAL },
                { "127.0.0.1:x", -EINVAL },
                { "127.0.0.1:65536", -EINVAL },
                { "127.0.0.1:-1", -EINVAL },
                { "127.0.0.1:1.5", -EINVAL },
                { "", -EINVAL },
                { "127.1:0", -EINVAL },
                { "[127.0.0.1:0", -EINVAL },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(ROWS); i++) {
                _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL;
                struct hv_err err = {};
                int r = hv_http_listen_tcp(ROWS[i].address, false, &l, &err);

                if (r != ROWS[i].want)
                        fail_msg("%s: got %d (%s), want %d", ROWS[i].address, r, err.msg, ROWS[i].want);
                if (r == -EPERM && !hv_has_prefix(err.msg, "E0504: "))
                        fail_msg("%s: the text is \"%s\"", ROWS[i].address, err.msg);
                if (r == 0 && l->port == 0)
                        fail_msg("%s: the port is not told", ROWS[i].address);
        }
}

static void test_tcp_port_in_use(void **state) {
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL, *second = NULL;
        struct hv_err err = {};
        char address[32];

        (void) state;
        assert_int_equal(hv_http_listen_tcp("127.0.0.1:0", false, &l, NULL), 0);
        (void) snprintf(address, sizeof address, "127.0.0.1:%u", l->port);
        assert_int_equal(hv_http_listen_tcp(address, false, &second, &err), -EADDRINUSE);
        assert_non_null(strstr(err.msg, address));
}

static int option(int fd, int level, int name) {
        int value = 0;
        socklen_t len = sizeof value;

        assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
        return value;
}

/* Whoever is gone without a word is missed within two minutes, however quiet the connection was. */
static void test_tcp_asks_whether_the_client_is_there(void **state) {
        _hv_cleanup_(hv_http_listener_freep) struct hv_http_listener *l = NULL;
        struct sockaddr_in to = { .sin_family = AF_INET };
        struct hv_http_caller caller;
        int client, fd, idle_s, every_s;

        (void) state;
        assert_int_equal(hv_http_listen_tcp("127.0.0.1:0", false, &l, NULL), 0);
        to.sin_port = htons(l->port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(client, (const struct sockaddr *) &to, sizeof to), 0);
        fd = hv_http_listener_accept(l, &caller);
        assert_true(fd >= 0);
        assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        idle_s = option(fd, IPPROTO_TCP, TCP_KEEPIDLE);
        every_s = option(fd, IPPROTO_TCP, TCP_KEEPINTVL);
        assert_true(idle_s + every_s * option(fd, IPPROTO_TCP, TCP_KEEPCNT) <= 120);
        (void) close(fd);
        (void) close(client);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_peer, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_takes_over_only_what_is_dead, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_left_to_a_child, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_strangers_lock_is_nothing, set_up, tear_down),
                cmocka_unit_test_setup_teardown(test_refuses_unix, set_up, tear_down),
                cmocka_unit_test(test_tcp_addresses),
                cmocka_unit_test(test_tcp_port_in_use),
                cmocka_unit_test(test_tcp_asks_whether_the_client_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
