/* What people see, at every width: on terminals of 60, 80, 120 and 200 columns, and in a pipe.
 *
 * golden/NAME.WIDTH holds what must come. HV_GOLDEN=write writes it anew: look at the difference before it is committed.
 * Digests and instants, which differ from run to run, are shown as x and 0 of the same length. */
#include "testing.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "run.h"

static void busy(struct stage *s) {
        stage_break_web(s);
        stage_event(s, "Service", "web", "started hive-web");
        stage_event(s, "Service", "proxy",
                    "hive-proxy was killed: out of memory, after it had been restarted 4 times in a row");
        stage_event(s, "Service", "web",
                    "name with \033[31mcolour\033[0m and \xe2\x80\xae turned text, gr\xc3\xbc\xc3\x9f"
                    "e \xe6\xbc\xa2\xe5\xad\x97");
}

static void planned(struct stage *s) {
        s->steps[0] = (struct hv_api_step){ HV_ACTION_PULL, "image/docker.io/library/nginx:1.28-alpine",
                                            "docker.io/library/nginx:1.28-alpine", "image changed" };
        s->steps[1] = (struct hv_api_step){ HV_ACTION_STOP, "service/web/1", "hive-web", "image changed" };
        s->steps[2] = (struct hv_api_step){ HV_ACTION_REMOVE, "service/web/1", "hive-web", "image changed" };
        s->n_steps = 3;
}

static void said(struct stage *s) {
        s->log_text = "GET / 200\nname with \033[31mcolour\033[0m\n";
}

static void confirmed(struct stage *s) {
        s->outcome = HV_API_CONFIRMED;
}

static void pinged(struct stage *s) {
        s->err = (struct hv_err){ .code = -ENOENT, .msg = "there is no interface hive0" };
}

static void paused(struct stage *s) {
        static struct hv_service_orders services[] = {
                { .name = "web", .pause = { "ana", "the first replica looks slow" } }
        };
        struct hv_unit_status *u = stage_unit(s, "hive-web-2");

        services[0].pause.since_wall_us = s->wall_us - HV_USEC_PER_HOUR;
        s->orders = (struct hv_orders){ .services = services, .n_services = 1 };
        u->digest = "of before";
        u->reason = HV_REASON_ROLLOUT_PAUSED;
        u->message =
                "made as it was declared before, and paused by ana: the first replica looks slow; until hivectl "
                "rollout resume";
}

/* Since when the last is so an older agent did not write down. */
static void by_hand(struct stage *s) {
        static struct hv_service_orders services[] = { { .name = "web", .hold = { "ana", NULL } },
                                                       { .name = "db", .stop = { "unknown", NULL } } };

        services[0].hold.since_wall_us = s->wall_us - 3 * HV_USEC_PER_MIN;
        s->orders = (struct hv_orders){ .cordon = { "ben", "the rack moves", s->wall_us - HV_USEC_PER_HOUR },
                                        .services = services,
                                        .n_services = 2 };
        s->cron.suspend =
                (struct hv_order){ "unix:uid=1000", "the disk moves", s->wall_us - 50 * HV_USEC_PER_HOUR };
        s->cron.next_wall_us = 0;
        s->cron.message =
                "suspended by unix:uid=1000 since 2026-11-22T03:00:00Z: the disk moves; until hivectl cron resume";
}

/* One replica is new and starts; the other is not wanted any more, and being removed. */
static void shrinks(struct stage *s) {
        struct hv_unit_status *u = stage_unit(s, "hive-web-2");

        u->in_sync = u->ready = false;
        u->phase = HV_PHASE_STARTING;
        u->reason = HV_REASON_PENDING;
        u->message = "";
        u = stage_unit(s, "hive-web");
        u->in_sync = u->ready = false;
        u->phase = HV_PHASE_ORPHAN;
        u->reason = HV_REASON_NOT_WANTED;
        u->message = "";
        u->wanted_digest = NULL;
}

/* One peer was heard, another never. */
static void heard(struct stage *s) {
        static struct hv_api_peer peers[] = {
                { .name = "hub",
                  .public_key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
                  .endpoint = "203.0.113.5:51820",
                  .rx_bytes = 3 << 20,
                  .tx_bytes = 5000 },
                { .public_key = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=" },
        };
        static const struct hv_api_tunnel hive0 = { .name = "hive0",
                                                    .backend = "kernel",
                                                    .public_key =
                                                            "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
                                                    .listen_port = 51820,
                                                    .peers = peers,
                                                    .n_peers = HV_ARRAY_SIZE(peers) };

        peers[0].handshake_wall_us = s->wall_us - HV_USEC_PER_MIN;
        s->tunnel = &hive0;
        s->objects[s->status.n_objects++] = (struct hv_object_status){ .kind = HV_KIND_WIREGUARD,
                                                                       .name = "hive0",
                                                                       .in_sync = true,
                                                                       .wanted = true,
                                                                       .reason = HV_REASON_SYNCED,
                                                                       .message = "" };
}

static void parked(struct stage *s) {
        stage_park(s);
        s->outcome = HV_API_PARKED;
}

static void tried_out(struct stage *s) {
        stage_try_out(s);
        s->outcome = HV_API_ACTIVATED;
}

static void taken_back(struct stage *s) {
        stage_take_back(s);
        s->outcome = HV_API_REVERTED;
}

static void rolled_back(struct stage *s) {
        stage_roll_back(s);
        s->outcome = HV_API_ROLLED_BACK;
}

static void refused(struct stage *s) {
        stage_refuse(s);
        s->outcome = HV_API_REFUSED;
}

static void fits_later(struct stage *s) {
        s->fit = (struct hv_api_fit){
                .verdict = HV_API_FIT_LATER,
                .message = "asks for 7Gi memory, 6Gi are left now",
                .asked = { 1000000000, UINT64_C(7) << 30, 0, 0, 0, 1 },
                .free = { 2500000000, UINT64_C(6) << 30, UINT64_C(99) << 30, 0, 0, 2 },
                .for_tasks = { 4000000000, UINT64_C(8) << 30, UINT64_C(100) << 30, 0, 0, 3 },
        };
}

static const struct scene {
        const char *name, *words;
        void (*make)(struct stage *s);
} scenes[] = {
        { "status", "status", NULL },
        { "status-busy", "status", busy },
        { "status-parked", "status", parked },
        { "status-refused", "status", refused },
        { "status-tried-out", "status", tried_out },
        { "status-taken-back", "status", taken_back },
        { "apply-confirm", "apply --confirm 10m", tried_out },
        { "confirm-revert", "confirm --revert", taken_back },
        { "status-rolled-back", "status", rolled_back },
        { "rollback", "rollback", rolled_back },
        { "status-no-engine", "status", stage_lose_engine },
        { "get-services", "get services", busy },
        { "get-services-wide", "get services -o wide", busy },
        { "get-all", "get all", NULL },
        { "get-columns", "get all -o custom-columns=KIND:.kind,NAME:.metadata.name,MESSAGE:.status.message",
          busy },
        { "describe", "describe service/web", busy },
        { "why", "why service/web", busy },
        { "why-node", "why", busy },
        { "rollout-status", "rollout status web", busy },
        { "rollout-status-shrinks", "rollout status web", shrinks },
        { "rollout-undo", "rollout undo web", NULL },
        { "update", "update web --image nginx:1.28 --env A=b", NULL },
        { "history", "history", NULL },
        { "history-of-one", "history svc/web", busy },
        { "rollout-status-paused", "rollout status svc/web", paused },
        { "status-paused", "status", paused },
        { "status-by-hand", "status", by_hand },
        { "cron-ls-suspended", "cron ls -o wide", by_hand },
        { "why-cron-suspended", "why cron/nightly", by_hand },
        { "why-paused", "why svc web", paused },
        { "events", "events", busy },
        { "plan", "plan", planned },
        { "apply-parked", "apply", parked },
        { "images", "images", NULL },
        { "help-shutdown", "help shutdown", NULL },
        { "help-preload", "help preload", NULL },
        { "images-wide", "images -o wide", NULL },
        { "ports", "ports", NULL },
        { "net-ls", "net ls", NULL },
        { "sources", "sources", NULL },
        { "settings", "settings --written", stage_settings },
        { "settings-wide", "settings node -o wide", stage_settings },
        { "revisions", "revisions", parked },
        { "explain", "explain services.ports", NULL },
        { "top", "top --once", NULL },
        { "gc", "gc --dry-run", NULL },
        { "logs", "logs web/1", said },
        { "reload", "reload", NULL },
        { "delete", "delete svc/web", NULL },
        { "confirm", "confirm", confirmed },
        { "trust", "trust", stage_tasks },
        { "wg-ping", "wg ping hive0", pinged },
        { "wg-show", "wg show", heard },
        { "cordon", "cordon --reason 'a new disk'", NULL },
        { "drain", "drain --deadline 10m", NULL },
        { "restart", "restart web", NULL },
        { "stop", "stop web", NULL },
        { "hold", "hold web --reason 'by hand for now'", NULL },
        { "kill", "kill web -s HUP", NULL },
        { "wait", "wait", NULL },
        { "session-ls", "session ls", NULL },
        { "token-ls", "token ls", NULL },
        { "task-ls", "task ls", stage_tasks },
        { "task-stop", "task stop train-1", stage_tasks },
        { "task-receipt", "task receipt resize-7", stage_tasks },
        { "help-get", "help get", NULL },
        { "help-doctor", "help doctor", NULL },
        { "help-apply", "help apply", NULL },
        { "help-exec", "help exec", NULL },
        { "help-cp", "help cp", NULL },
        { "help-task", "help task", NULL },
        { "help-run", "help run", NULL },
        { "help-logs", "help logs", NULL },
        { "help-ps", "help ps", NULL },
        { "help-settings", "help settings", NULL },
        { "get-tasks", "get tasks", stage_tasks },
        { "cron-ls", "cron ls", NULL },
        { "describe-cron", "describe cron/nightly", NULL },
        { "task-ls-wide", "task ls -o wide", stage_tasks },
        { "task-show", "task show resize-7", stage_tasks },
        { "why-task", "why task/big-1", stage_tasks },
        { "task-results", "task results sieve-0a1b2c3d", stage_tasks },
        { "task-logs", "task logs sieve-0a1b2c3d", stage_tasks },
        { "trust-ledger", "trust --ledger", stage_tasks },
        { "fit", "fit -f " HV_SOURCE_DIR "/test/unit/cli/data/task.yaml", fits_later },
};

static bool is_hex(char c) {
        return isdigit((unsigned char) c) || (c >= 'a' && c <= 'f');
}

/* "2026-11-21T22:50:11Z" */
static bool is_instant(const char *p) {
        static const char form[] = "dddd-dd-ddTdd:dd:ddZ";

        for (size_t i = 0; form[i]; i++)
                if (form[i] == 'd' ? !isdigit((unsigned char) p[i]) : p[i] != form[i])
                        return false;
        return true;
}

#define STAGE_DIR "/tmp/hivelet-stage-"

static char *normalise(const char *text) {
        struct hv_buf buf = {};

        for (const char *p = text; *p;) {
                size_t n = 0;

                while (is_hex(p[n]))
                        n++;
                if (hv_has_prefix(p, STAGE_DIR)) { /* and six letters that differ */
                        hv_buf_puts(&buf, STAGE_DIR "xxxxxx");
                        p += strlen(STAGE_DIR "xxxxxx");
                } else if (is_instant(p)) {
                        hv_buf_puts(&buf, "0000-00-00T00:00:00Z");
                        p += strlen("0000-00-00T00:00:00Z");
                } else if (n >= 8) {
                        for (size_t i = 0; i < n; i++)
                                hv_buf_putc(&buf, 'x');
                        p += n;
                } else if (n > 0) {
                        hv_buf_add(&buf, p, n);
                        p += n;
                } else if (p[0] == '\r' && p[1] == '\n')
                        p++;
                else
                        hv_buf_putc(&buf, *p++);
        }
        return hv_buf_steal(&buf);
}

static char *read_golden(const char *path) {
        FILE *f = fopen(path, "re");
        struct hv_buf buf = {};
        char chunk[4096];
        size_t n;

        if (!f)
                return NULL;
        while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
                hv_buf_add(&buf, chunk, n);
        (void) fclose(f);
        return hv_buf_steal(&buf);
}

static void write_golden(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

/* No line of a terminal is wider than it; characters of Chinese take two columns. */
static void check_width(const char *name, const char *text, unsigned columns) {
        for (const char *line = text, *end; *line; line = end + 1) {
                size_t width = 0;

                end = strchr(line, '\n');
                if (!end)
                        break;
                for (const char *p = line; p < end;) {
                        struct hv_character c = hv_text_character(p, (size_t) (end - p));

                        width += c.code >= 0x4e00 && c.code <= 0x9fff ? 2 : 1;
                        p += c.len;
                }
                if (width > columns)
                        fail_msg("%s: %zu columns on a terminal of %u: %.*s", name, width, columns,
                                 (int) (end - line), line);
        }
}

static void what_is_shown_is_what_was_agreed(void **state) {
        static const unsigned widths[] = { 0, 60, 80, 120, 200 };
        bool writing = hv_streq(getenv("HV_GOLDEN"), "write");
        unsigned n_wrong = 0;

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(scenes); i++) {
                for (size_t j = 0; j < HV_ARRAY_SIZE(widths); j++) {
                        static const char *const no_color[] = { "NO_COLOR=1", NULL };
                        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                        _hv_cleanup_free_ char *path = NULL, *got = NULL, *wanted = NULL;
                        struct run r;

                        if (scenes[i].make)
                                scenes[i].make(s);
                        r = run(s, scenes[i].words,
                                &(struct run_options){ .environment = no_color, .columns = widths[j] });
                        got = normalise(hv_buf_str(&r.out));
                        run_done(&r);
                        path = hv_asprintf(HV_SOURCE_DIR "/test/unit/cli/golden/%s.%u", scenes[i].name,
                                           widths[j]);
                        if (writing) {
                                write_golden(path, got);
                                continue;
                        }
                        wanted = read_golden(path);
                        if (!hv_streq(got, wanted)) {
                                n_wrong++;
                                print_error("%s\n--- wanted\n%s--- got\n%s", path,
                                            wanted ? wanted : "(no file)\n", got);
                        }
                }
        }
        assert_int_equal(n_wrong, 0);
}

/* Tables keep within the terminal; sentences and help are the terminal's to wrap. */
static void tables_keep_within_the_terminal(void **state) {
        static const char *const tables[] = { "get services", "get all",   "events",
                                              "sources",      "revisions", "plan" };
        static const unsigned widths[] = { 60, 80, 120, 200 };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(tables); i++) {
                for (size_t j = 0; j < HV_ARRAY_SIZE(widths); j++) {
                        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                        _hv_cleanup_free_ char *text = NULL;
                        struct run r;

                        busy(s);
                        planned(s);
                        r = run(s, tables[i], &(struct run_options){ .columns = widths[j] });
                        text = normalise(hv_buf_str(&r.out));
                        check_width(tables[i], text, widths[j]);
                        run_done(&r);
                }
        }
}

static void colour_follows_the_rules(void **state) {
        static const struct {
                const char *what, *words;
                const char *const environment[3];
                unsigned columns;
                bool color;
        } rows[] = {
                { "a terminal has colour", "status", { NULL }, 80, true },
                { "a pipe has none", "status", { NULL }, 0, false },
                { "NO_COLOR", "status", { "NO_COLOR=1", NULL }, 80, false },
                { "an empty NO_COLOR is none", "status", { "NO_COLOR=", NULL }, 80, true },
                { "TERM=dumb", "status", { "TERM=dumb", NULL }, 80, false },
                { "CLICOLOR_FORCE", "status", { "CLICOLOR_FORCE=1", NULL }, 0, true },
                { "CLICOLOR_FORCE=0", "status", { "CLICOLOR_FORCE=0", NULL }, 0, false },
                { "NO_COLOR beats CLICOLOR_FORCE",
                  "status",
                  { "NO_COLOR=1", "CLICOLOR_FORCE=1", NULL },
                  80,
                  false },
                { "--color always", "status --color always", { "NO_COLOR=1", NULL }, 0, true },
                { "--color never", "status --color never", { NULL }, 80, false },
                { "--no-color", "status --no-color", { "CLICOLOR_FORCE=1", NULL }, 80, false },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(stage_freep) struct stage *s = stage_new();
                struct run r = run(s, rows[i].words,
                                   &(struct run_options){ .environment = rows[i].environment,
                                                          .columns = rows[i].columns });

                if ((strstr(hv_buf_str(&r.out), "\033[32m") != NULL) != rows[i].color)
                        fail_msg("%s: %s", rows[i].what, hv_buf_str(&r.out));
                /* Never colour alone: the words say it too. */
                assert_non_null(strstr(hv_buf_str(&r.out), "in sync"));
                run_done(&r);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_shown_is_what_was_agreed),
                cmocka_unit_test(tables_keep_within_the_terminal),
                cmocka_unit_test(colour_follows_the_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
