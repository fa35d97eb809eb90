/* hivectl doctor: one made fault a row, for each row of docs/troubleshooting.md, and what the doctor says of it. */
#include "testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/doctor.h"
#include "cli/scrub.h"
#include "run.h"

static char pool_address[64], endpoint[128], document[128], extra[128], work[128];

static void write_file(char *path, const char *dir, const char *name, mode_t mode, const char *text) {
        FILE *f;

        (void) snprintf(path, 128, "%s/%s", dir, name);
        (void) unlink(path);
        f = fopen(path, "we");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
        assert_int_equal(chmod(path, mode), 0);
}

static void state(struct stage *s, const char *spec) {
        _hv_cleanup_free_ char *text = hv_asprintf(
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: worker-1}\nspec:\n%s", spec);

        write_file(document, s->dir, "node.yaml", 0600, text);
}

/* ---- the engine ---- */

static int listening(struct stage *s, const char *name, mode_t mode) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", s->dir, name);
        (void) snprintf(endpoint, sizeof endpoint, "unix://%s", address.sun_path);
        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(chmod(address.sun_path, mode), 0);
        assert_int_equal(listen(fd, 4), 0);
        s->engine_endpoint = endpoint;
        return fd;
}

static void engine_is_down(struct stage *s, const char *message) {
        stage_lose_engine(s);
        s->status.engine_message = message;
}

static void engine_without_a_socket(struct stage *s) {
        (void) snprintf(endpoint, sizeof endpoint, "unix://%s/none.sock", s->dir);
        s->engine_endpoint = endpoint;
        engine_is_down(s, "");
}

static void engine_that_nobody_is(struct stage *s) {
        (void) close(listening(s, "left.sock", 0666));
        engine_is_down(s, "");
}

static void engine_that_is_forbidden(struct stage *s) {
        assert_int_equal(chmod(s->dir, 0755), 0);
        (void) listening(s, "forbidden.sock", 0600);
        engine_is_down(s, "");
}

static void engine_that_is_forbidden_to_the_agent(struct stage *s) {
        engine_is_down(s, "/var/run/docker.sock: no permission to connect");
}

/* Its queue is full, and nobody takes from it. */
static void engine_that_hangs(struct stage *s) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        (void) listening(s, "hangs.sock", 0666);
        strcpy(address.sun_path, endpoint + strlen("unix://"));
        do
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        while (fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof address) == 0);
        assert_true(fd >= 0 && errno == EAGAIN);
        engine_is_down(s, "");
}

static void engine_that_does_not_answer_the_agent(struct stage *s) {
        engine_is_down(s, "/var/run/docker.sock: nothing was heard for 10 s");
}

static void engine_over_tcp(struct stage *s) {
        s->engine_endpoint = "tcp://127.0.0.1:2375";
}

/* ---- the pool ---- */

static void pool(struct stage *s, const char *address, const char *phase, const char *message) {
        (void) snprintf(pool_address, sizeof pool_address, "%s", address);
        s->pool = (struct hv_api_pool){ .address = pool_address,
                                        .dialect = "v1",
                                        .phase = phase,
                                        .message = message,
                                        .online = hv_streq(phase, "Online") };
}

static void pool_without_a_name(struct stage *s) {
        pool(s, "nobody-has-this-name.invalid:50051", "Offline", "no answer");
}

static void pool_without_a_route(struct stage *s) {
        pool(s, "192.0.2.1:50051", "Offline", "no answer");
}

static int tcp_socket(uint16_t *ret_port) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t size = sizeof address;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *) &address, sizeof address), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
        *ret_port = ntohs(address.sin_port);
        return fd;
}

static void pool_at(struct stage *s, uint16_t port, const char *phase, const char *message) {
        char address[64];

        (void) snprintf(address, sizeof address, "127.0.0.1:%u", port);
        pool(s, address, phase, message);
}

static void pool_without_a_port(struct stage *s) {
        uint16_t port;

        (void) tcp_socket(&port); /* bound and not listening: nobody else gets it, and it refuses */
        pool_at(s, port, "Offline", "no answer");
}

static pid_t talker;

/* Somebody who listens and is no TLS server. */
static uint16_t somebody_else(void) {
        uint16_t port;
        int fd = tcp_socket(&port);

        assert_int_equal(listen(fd, 4), 0);
        talker = fork();
        if (talker == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;) {
                        int peer = accept(fd, NULL, NULL);

                        (void) !write(peer, "SSH-2.0-none\r\n\r\n", 16);
                        (void) close(peer);
                }
        }
        (void) close(fd);
        return port;
}

static void pool_without_tls(struct stage *s) {
        pool_at(s, somebody_else(), "Offline", "no answer");
        state(s, "  master:\n    address: 127.0.0.1:50051\n    tls: {}\n");
}

static void pool_that_does_not_take_the_token(struct stage *s) {
        pool_at(s, somebody_else(), "Registering", "the token is not this pool's");
        state(s, "  master:\n    address: 127.0.0.1:50051\n    insecure: true\n");
}

static void pool_behind_a_tunnel_that_is_not_used(struct stage *s) {
        pool(s, "127.66.0.1:50051", "Offline", "no answer");
        state(s,
              "  wireguard:\n    - name: hive0\n      addresses: [127.66.0.17/24]\n      privateKey: {secret: hive}\n"
              "      peers: [{name: hub, publicKey: xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=, allowedIPs: [127.66.0.1/32]}]\n"
              "  secrets:\n    - {name: hive, generate: wireguard}\n");
}

/* ---- tunnels ---- */

static void tunnel(struct stage *s, bool in_sync, uint64_t heard_wall_us) {
        static struct hv_api_peer hub = {
                .name = "hub", .public_key = "k=", .endpoint = "vpn.example.org:51820"
        };
        static const struct hv_api_tunnel hive0 = {
                .name = "hive0", .backend = "kernel", .public_key = "o=", .peers = &hub, .n_peers = 1
        };

        hub.handshake_wall_us = heard_wall_us;
        s->tunnel = &hive0;
        s->objects[s->status.n_objects++] =
                (struct hv_object_status){ .kind = HV_KIND_WIREGUARD,
                                           .name = "hive0",
                                           .in_sync = in_sync,
                                           .wanted = true,
                                           .reason = in_sync ? HV_REASON_SYNCED : HV_REASON_WIREGUARD_FAILED,
                                           .message = in_sync ? "" : "the kernel has no WireGuard" };
}

static void tunnel_that_is_not_made(struct stage *s) {
        tunnel(s, false, 0);
}

static void tunnel_that_nobody_was_heard_of(struct stage *s) {
        tunnel(s, true, 0);
}

static void tunnel_that_is_well(struct stage *s) {
        tunnel(s, true, s->wall_us);
}

static void pool_that_is_online(struct stage *s) {
        pool(s, "pool.example.org:50051", "Online", "");
}

/* ---- places and files ---- */

static void work_is_a_file(struct stage *s) {
        write_file(work, s->dir, "work", 0600, "");
        s->work_dir = work;
}

static void state_is_open(struct stage *s) {
        assert_int_equal(chmod(s->dir, 0755), 0);
}

static void documents_are_wrong(struct stage *s) {
        state(s, "  servces: []\n");
}

static void secret_is_open(struct stage *s) {
        _hv_cleanup_free_ char *text = NULL;

        write_file(extra, s->dir, "password", 0644, "x");
        text = hv_asprintf("  secrets:\n    - {name: pw, fromFile: %s}\n", extra);
        state(s, text);
}

static void documents_are_good(struct stage *s) {
        state(s, "  services: []\n");
}

static const struct row {
        const char *what;
        void (*make)(struct stage *s);
        const char *state, *name, *found, *fix; /* the line that must be there */
        bool is_nobody, no_network, with_document;
        int code;
} rows[] = {
        { "all is well", documents_are_good, "ok", "engine", "Docker 20.10.24 answers", NULL,
          .with_document = true },
        { "the agent answers", documents_are_good, "ok", "agent", "answers, node worker-1", NULL,
          .with_document = true },
        /* Docker down, no permission */
        { "no socket", engine_without_a_socket, "fail", "engine", "there is no such socket",
          "systemctl start docker", .code = 1 },
        { "nobody behind the socket", engine_that_nobody_is, "fail", "engine", "nobody listens there",
          "systemctl restart docker", .code = 1 },
        { "no permission", engine_that_is_forbidden, "fail", "engine", "no permission to connect",
          "usermod -aG docker", .is_nobody = true, .code = 1 },
        { "no permission to ask the agent", engine_that_is_forbidden, "fail", "agent", "not allowed to use",
          "sudo hivectl doctor", .is_nobody = true, .code = 1 },
        { "no permission for the agent", engine_that_is_forbidden_to_the_agent, "fail", "engine",
          "no permission to connect", "usermod -aG docker", .code = 1 },
        { "an engine that hangs", engine_that_hangs, "fail", "engine", "it does not answer",
          "systemctl restart docker", .code = 1 },
        { "an engine that does not answer the agent", engine_that_does_not_answer_the_agent, "fail", "engine",
          "it does not answer", "a full disk or a stuck mount", .code = 1 },
        { "engine over TCP", engine_over_tcp, "warn", "engine", "is root here", "unix socket" },
        /* VPN */
        { "no route to the pool", pool_without_a_route, "fail", "pool.route", "no route to 192.0.2.1",
          "hivectl wg show", .no_network = true, .code = 1 },
        { "the route is not the tunnel's", pool_behind_a_tunnel_that_is_not_used, "fail", "pool.route",
          "does not lead through hive0", "allowedIPs", .with_document = true, .code = 1 },
        { "a tunnel that is not made", tunnel_that_is_not_made, "fail", "vpn",
          "hive0: WireGuardFailed: the kernel has no WireGuard", "hivectl wg show", .code = 1 },
        { "a tunnel that nobody was heard of", tunnel_that_nobody_was_heard_of, "warn", "vpn",
          "hive0: no handshake with peer hub yet", "hivectl wg ping" },
        { "a tunnel that is well", tunnel_that_is_well, "ok", "vpn", "hive0 is as wished", NULL },
        /* container fails */
        { "a service does not come up", stage_break_web, "warn", "workloads", "service/web: PullFailed",
          "hivectl why service/web" },
        { "an image cannot be had", stage_miss_image, "warn", "images", "images are there",
          "hivectl get images" },
        { "consent is missing", stage_park, "warn", "workloads", "waits for consent", "--accept-prune" },
        /* work directory */
        { "the work directory is a file", work_is_a_file, "fail", "work", "is no directory", "WORK_DIR",
          .code = 1 },
        { "the state directory is open", state_is_open, "fail", "state", "others may look into it",
          "chmod 700", .code = 1 },
        /* pool not reachable */
        { "the pool's name", pool_without_a_name, "fail", "pool.name",
          "nobody-has-this-name.invalid has no address", "getent hosts", .no_network = true, .code = 1 },
        { "the pool's port", pool_without_a_port, "fail", "pool.port", "Connection refused",
          "is the pool running", .code = 1 },
        { "the pool's TLS", pool_without_tls, "fail", "pool.tls", "127.0.0.1", "master.tls.caFile",
          .with_document = true, .code = 1 },
        { "the pool's token", pool_that_does_not_take_the_token, "fail", "pool.token",
          "the token is not this pool's", "passwordSecret", .with_document = true, .code = 1 },
        { "the pool is there", pool_that_is_online, "ok", "pool", "pool.example.org:50051: online", NULL },
        /* too few resources */
        { "the machine runs short", stage_run_short, "warn", "resources", "less than 5 %", "hivectl fit" },
        { "the disk is full", stage_fill_disk, "warn", "disk", "disk", "hivectl gc" },
        /* and others */
        { "the files are wrong", documents_are_wrong, "fail", "config", "did you mean", "hivectl validate",
          .with_document = true, .code = 1 },
        { "the newest files were refused", stage_refuse, "fail", "config", "2 errors", "hivectl validate",
          .code = 1 },
        { "a secret is open to others", secret_is_open, "fail", "secrets", "E0323", "chmod 600",
          .with_document = true, .code = 1 },
        { "the port is taken", stage_lose_port, "fail", "ports", "http.listen", "ss -ltnp", .code = 1 },
};

/* "[fail] name   found" with its fix in the next line. */
static bool has_line(const char *text, const struct row *row) {
        char head[40];

        (void) snprintf(head, sizeof head, "[%s]", row->state);
        for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
                _hv_cleanup_free_ char *one = NULL;
                const char *name;

                end = line + strcspn(line, "\n");
                one = hv_strndup(line, (size_t) (end - line));
                name = one + strcspn(one, "]") + (one[strcspn(one, "]")] == ']');
                name += strspn(name, " ");
                if (!hv_has_prefix(one, head) || strncmp(name, row->name, strcspn(name, " ")) != 0 ||
                    strcspn(name, " ") != strlen(row->name) || !strstr(one, row->found))
                        continue;
                if (!row->fix)
                        return true;
                if (*end) {
                        const char *next = end + 1;
                        _hv_cleanup_free_ char *fix = hv_strndup(next, strcspn(next, "\n"));

                        if (strstr(fix, "-> ") && strstr(fix, row->fix))
                                return true;
                }
        }
        return false;
}

static void each_trouble_is_named(void **unused) {
        (void) unused;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                _hv_cleanup_free_ char *words = NULL;
                char engine[sizeof endpoint + 16];
                const char *const environment[] = { engine, NULL };
                struct run r;

                talker = 0;
                rows[i].make(s);
                (void) snprintf(engine, sizeof engine, "DOCKER_HOST=%s", s->engine_endpoint ? endpoint : "");
                words = rows[i].with_document
                                ? hv_asprintf("doctor -f %s", document)
                                : hv_strdup("doctor -f " HV_SOURCE_DIR "/config/quickstart.yaml");
                r = run(s, words,
                        &(struct run_options){ .environment = environment,
                                               .is_nobody = rows[i].is_nobody,
                                               .no_network = rows[i].no_network });
                if (!has_line(hv_buf_str(&r.out), &rows[i]))
                        fail_msg("%s: %s%s", rows[i].what, hv_buf_str(&r.out), hv_buf_str(&r.err));
                assert_int_equal(rows[i].code ? rows[i].code : r.code, r.code);
                run_done(&r);
                if (talker > 0) {
                        (void) kill(talker, SIGKILL);
                        assert_int_equal(waitpid(talker, NULL, 0), talker);
                }
        }
}

static void without_an_agent_it_looks_for_itself(void **unused) {
        static const char *const none[] = { "DOCKER_HOST=unix:///nonexistent/docker.sock", NULL };
        struct run r = run(NULL, "doctor -f " HV_SOURCE_DIR "/config/quickstart.yaml",
                           &(struct run_options){ .environment = none });

        (void) unused;
        assert_int_equal(r.code, 1);
        assert_true(has_line(hv_buf_str(&r.out), &(struct row){ .state = "fail",
                                                                .name = "agent",
                                                                .found = "/nonexistent/hivelet.sock",
                                                                .fix = "systemctl start hivelet" }));
        assert_true(has_line(hv_buf_str(&r.out), &(struct row){ .state = "fail",
                                                                .name = "engine",
                                                                .found = "/nonexistent/docker.sock",
                                                                .fix = "systemctl start docker" }));
        assert_true(has_line(hv_buf_str(&r.out),
                             &(struct row){ .state = "ok", .name = "config", .found = "valid" }));
        run_done(&r);
}

/* What was installed is newer than what runs. */
static void an_agent_of_another_version(void **unused) {
        static const char text[] = "{\"version\":\"0.0.1\"}";
        struct hv_doctor d = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf said = {};

        (void) unused;
        assert_int_equal(hv_json_parse(text, strlen(text), SIZE_MAX, &d.version, NULL), 0);
        hv_doctor_agent(&d);
        hv_doctor_text(&d, false, false, &said);
        assert_true(has_line(hv_buf_str(&said), &(struct row){ .state = "warn",
                                                               .name = "version",
                                                               .found = "the agent is 0.0.1, hivectl ",
                                                               .fix = "systemctl restart hivelet" }));
        hv_doctor_done(&d);
}

static void programs_read_it_as_json(void **unused) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_json_freep) struct hv_json *j = NULL;
        struct run r;

        (void) unused;
        engine_without_a_socket(s);
        r = run(s, "doctor -o json", NULL);
        assert_int_equal(hv_json_parse(r.out.data, r.out.len, SIZE_MAX, &j, NULL), 0);
        assert_string_equal(hv_json_str(j, "worst"), "fail");
        assert_true(hv_json_size(hv_json_get(j, "items")) > 8);
        assert_int_equal(r.code, 1);
        run_done(&r);
}

/* ---- bundle ---- */

static char *tar(const char *flags, const char *path) {
        _hv_cleanup_free_ char *command = hv_asprintf("tar %s %s", flags, path);
        struct hv_buf out = {};
        char chunk[4096];
        size_t n;
        FILE *p = popen(command, "re");

        assert_non_null(p);
        while ((n = fread(chunk, 1, sizeof chunk, p)) > 0)
                hv_buf_add(&out, chunk, n);
        assert_int_equal(pclose(p), 0);
        return hv_buf_steal(&out);
}

static void a_bundle_has_all_and_no_secret(void **unused) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        static const char *const parts[] = { "doctor.txt",  "status.json",  "plan.json",
                                             "why.json",    "events.json",  "settings.json",
                                             "metrics.txt", "version.json", "hivelet.log" };
        const char log[] = "[2026-11-22 10:00:00] INFO: a line of the file, with token=MARKER-5\n";
        char log_path[128];
        _hv_cleanup_free_ char *words = hv_asprintf("bundle %s/b.tar.gz", s->dir),
                               *path = hv_asprintf("%s/b.tar.gz", s->dir), *names = NULL, *text = NULL;
        struct stat st;
        struct run r;

        (void) unused;
        pool(s, "pool.example.org:50051", "Offline", "login with token=MARKER-1 failed");
        stage_event(s, "Service", "web", "fetched https://ana:MARKER-2@example.org/x");
        s->log_dir = s->dir;
        write_file(log_path, s->dir, "hivelet.log", 0600, log);
        stage_event(s, "Service", "web", "argument --db-password MARKER-3, PASSWORD=MARKER-4");
        r = run(s, words, NULL);
        assert_int_equal(r.code, 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        names = tar("-tzf", path);
        text = tar("-xzOf", path);
        for (size_t i = 0; i < HV_ARRAY_SIZE(parts); i++)
                if (!strstr(names, parts[i]) || !strstr(hv_buf_str(&r.out), parts[i]))
                        fail_msg("%s is missing: %s%s", parts[i], names, hv_buf_str(&r.out));
        assert_non_null(strstr(text, "fetched https://"));
        assert_non_null(strstr(text, "a line of the file"));
        assert_null(strstr(text, "MARKER"));
        assert_non_null(strstr(text, "[redacted]"));
        run_done(&r);
        r = run(s, words, NULL); /* nothing is overwritten */
        assert_int_equal(r.code, 1);
        run_done(&r);
}

static void what_could_be_a_secret_goes(void **unused) {
        static const struct {
                const char *text, *left;
        } all[] = {
                { "nothing to hide: a=b, c: d", "nothing to hide: a=b, c: d" },
                { "--token=abc x", "--token=[redacted] x" },
                { "--token abc x", "--token [redacted] x" },
                { "the token is old", "the token is old" },
                { "DB_PASSWORD=p@ss;x", "DB_PASSWORD=[redacted];x" },
                { "password: \"a b\\\" c\" d", "password: \"[redacted]\" d" },
                { "{\"apiKey\": \"x\", \"n\": 1}", "{\"apiKey\": \"[redacted]\", \"n\": 1}" },
                { "{\"secret\":[1]}", "{\"secret\":[1]}" },
                { "\"privateKey\": null", "\"privateKey\": null" },
                { "publicKey: abc=", "publicKey: abc=" },
                { "Authorization: Bearer abc.def x", "Authorization: [redacted] x" },
                { "sent Bearer abc.def", "sent Bearer [redacted]" },
                { "http://u:p@h/x http://h/a@b", "http://[redacted]@h/x http://h/a@b" },
                { "a -----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY----- b", "a [redacted] b" },
                { "-----BEGIN CERTIFICATE-----\nabc\n", "-----BEGIN CERTIFICATE-----\nabc\n" },
        };

        (void) unused;
        for (size_t i = 0; i < HV_ARRAY_SIZE(all); i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf got = {};

                hv_scrub(all[i].text, &got);
                assert_string_equal(hv_buf_str(&got), all[i].left);
        }
}

/* Whether the one thing that is said is this. */
static bool is_said(const struct hv_doctor *d, const char *state, const char *name, const char *found,
                    const char *fix) {
        const struct row row = { .state = state, .name = name, .found = found, .fix = fix };
        _hv_cleanup_(hv_buf_done) struct hv_buf said = {};

        hv_doctor_text(d, false, false, &said);
        if (d->lines.n == 1 && has_line(hv_buf_str(&said), &row))
                return true;
        print_error("%s\n", hv_buf_str(&said));
        return false;
}

/* Tunnels of others are seen, and nothing more. */
static void tunnels_of_others_are_seen(void **unused) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_free_ char *net = hv_asprintf("%s/net", s->dir);
        static const char hive0[] =
                "{\"items\":[{\"metadata\":{\"name\":\"hive0\"},\"status\":{\"inSync\":true}}]}";
        struct hv_doctor kernel = { .is_local = true }, user = { .is_local = true }, elsewhere = {},
                         none = { .is_local = true }, ours = { .is_local = true };
        static const struct {
                const char *name, *type;
        } links[] = { { "eth0", "" },
                      { "hive0", "DEVTYPE=wireguard\n" },
                      { "wg0", "INTERFACE=wg0\nDEVTYPE=wireguard\n" } };
        char path[128], dir[128];

        (void) unused;
        assert_int_equal(mkdir(net, 0700), 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(links); i++) {
                (void) snprintf(dir, sizeof dir, "%s/%s", net, links[i].name);
                assert_int_equal(mkdir(dir, 0700), 0);
                write_file(path, dir, "uevent", 0600, links[i].type);
        }
        hv_doctor_tunnels(&kernel, net, "/nonexistent");
        assert_true(is_said(&kernel, "ok", "vpn",
                            "hive0, wg0: run by somebody else (wg-quick?), and left alone", NULL));
        hv_doctor_tunnels(&none, "/nonexistent", "/nonexistent");
        assert_true(is_said(&none, "skip", "vpn", "no WireGuard interface is declared", NULL));
        hv_doctor_tunnels(&elsewhere, net, "/nonexistent"); /* this machine's are not that agent's */
        assert_true(is_said(&elsewhere, "skip", "vpn", "no WireGuard interface is declared", NULL));
        write_file(path, s->dir, "wg1.sock", 0600, "");
        write_file(path, s->dir, "hive0.sock", 0600, "");
        hv_doctor_tunnels(&user, "/nonexistent", s->dir);
        assert_int_equal(user.lines.n, 1);
        assert_non_null(strstr(user.lines.v[0].found, "wg1: run by somebody else"));
        assert_int_equal(hv_json_parse(hive0, strlen(hive0), SIZE_MAX, &ours.tunnels, NULL), 0);
        hv_doctor_tunnels(&ours, net, "/nonexistent");
        assert_int_equal(ours.lines.n, 2);
        assert_string_equal(ours.lines.v[0].found, "hive0 is as wished");
        assert_string_equal(ours.lines.v[1].found, "wg0: run by somebody else (wg-quick?), and left alone");
        hv_doctor_done(&kernel);
        hv_doctor_done(&none);
        hv_doctor_done(&elsewhere);
        hv_doctor_done(&user);
        hv_doctor_done(&ours);
}

static void what_systemd_says_of_the_unit_is_judged(void **unused) {
        static const struct {
                struct hv_doctor_unit unit;
                bool answers; /* the agent does */
                const char *state, *found, *fix;
        } units[] = {
                { { "loaded", "failed", "failed", "enabled", "exit-code" },
                  false,
                  "fail",
                  "hivelet.service failed: exit-code",
                  "systemctl reset-failed hivelet" },
                { { "loaded", "failed", "failed", "enabled", NULL },
                  false,
                  "fail",
                  "hivelet.service failed: no reason is told",
                  "journalctl -u hivelet" },
                { { "not-found", "inactive", "dead", "", "success" },
                  false,
                  "warn",
                  "hivelet.service is not installed",
                  "install the package" },
                { { "not-found", "inactive", "dead", "", "success" },
                  true,
                  "skip",
                  "hivelet.service is not installed",
                  NULL },
                { { "loaded", "inactive", "dead", "disabled", "success" },
                  false,
                  "fail",
                  "hivelet.service is inactive (dead)",
                  "systemctl enable --now hivelet" },
                { { "loaded", "inactive", "dead", "disabled", "success" },
                  true,
                  "warn",
                  "hivelet.service is inactive (dead)",
                  "systemctl enable --now hivelet" },
                { { "loaded", "active", "running", "disabled", "success" },
                  true,
                  "warn",
                  "does not start with the machine (disabled)",
                  "systemctl enable hivelet" },
                { { "loaded", "active", "running", "enabled", "success" },
                  true,
                  "ok",
                  "is active and enabled",
                  NULL },
        };

        (void) unused;
        for (size_t i = 0; i < HV_ARRAY_SIZE(units); i++) {
                struct hv_doctor d = {};

                if (units[i].answers)
                        assert_int_equal(hv_json_parse("{}", 2, SIZE_MAX, &d.version, NULL), 0);
                hv_doctor_judge_unit(&d, &units[i].unit);
                if (!is_said(&d, units[i].state, "unit", units[i].found, units[i].fix))
                        fail_msg("row %zu", i);
                hv_doctor_done(&d);
        }
}

static void what_the_kernel_says_of_the_clock_is_judged(void **unused) {
        static const struct {
                time_t now;
                int status, error;
                const char *state, *found, *fix;
        } clocks[] = {
                { 1795000000, 0, 0, "ok", "in step", NULL },
                { 1795000000, STA_UNSYNC, 0, "warn", "nothing keeps it in step", "timedatectl set-ntp true" },
                { 1795000000, 0, EPERM, "skip", "the kernel does not say: Operation not permitted", NULL },
                { 1704067199, 0, 0, "fail", "it is far behind", "timedatectl set-ntp true" },
                { 0, STA_UNSYNC, EPERM, "fail", "it is far behind", "timedatectl set-ntp true" },
        };

        (void) unused;
        for (size_t i = 0; i < HV_ARRAY_SIZE(clocks); i++) {
                const struct timex t = { .status = clocks[i].status };
                struct hv_doctor d = {};

                hv_doctor_judge_clock(&d, clocks[i].now, &t, clocks[i].error);
                if (!is_said(&d, clocks[i].state, "clock", clocks[i].found, clocks[i].fix))
                        fail_msg("row %zu", i);
                hv_doctor_done(&d);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_trouble_is_named),
                cmocka_unit_test(without_an_agent_it_looks_for_itself),
                cmocka_unit_test(an_agent_of_another_version),
                cmocka_unit_test(programs_read_it_as_json),
                cmocka_unit_test(tunnels_of_others_are_seen),
                cmocka_unit_test(what_systemd_says_of_the_unit_is_judged),
                cmocka_unit_test(what_the_kernel_says_of_the_clock_is_judged),
                cmocka_unit_test(a_bundle_has_all_and_no_secret),
                cmocka_unit_test(what_could_be_a_secret_goes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
