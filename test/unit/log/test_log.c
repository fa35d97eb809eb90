/* Records, their ways and forms (log/log.h). */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/macros.h"
#include "log/journal.h"
#include "log/line.h"
#include "log/log.h"

struct seen {
        size_t n;
        struct hv_log_record last;
        char message[256], name[64];
};

static void see(const struct hv_log_record *r, void *userdata) {
        struct seen *s = userdata;

        s->n++;
        s->last = *r;
        (void) snprintf(s->message, sizeof s->message, "%s", r->message);
        (void) snprintf(s->name, sizeof s->name, "%s", r->fields.name ?: "");
}

static int reset(void **state) {
        (void) state;
        hv_log_set_sink(NULL, NULL);
        hv_log_set_observer(NULL, NULL);
        hv_log_set_files(NULL, false, NULL);
        hv_log_set_node_id(NULL);
        hv_log_set_level(LOG_INFO);
        return 0;
}

static void test_record(void **state) {
        struct seen sink = {};

        (void) state;
        hv_log_set_sink(see, &sink);
        hv_log_set_node_id("node-7");
        errno = E2BIG;
        assert_int_equal(hv_log_warn(-ENOENT, "%d lost", 3), -ENOENT);
        assert_int_equal(errno, E2BIG);
        assert_int_equal(sink.last.level, LOG_WARNING);
        assert_int_equal(sink.last.error, ENOENT);
        assert_int_equal(sink.last.event, HV_EVENT_NONE);
        assert_string_equal(sink.message, "3 lost");
        assert_string_equal(sink.last.node_id, "node-7");
        assert_string_equal(sink.last.function, "test_record");
        assert_true(sink.last.line > 0);

        hv_log_event(HV_EVENT_CONTAINER_STARTED, HV_LOG_FIELDS(.name = "web"), "up");
        assert_int_equal(sink.last.event, HV_EVENT_CONTAINER_STARTED);
        assert_int_equal(sink.last.level, hv_event_level(HV_EVENT_CONTAINER_STARTED));
        assert_string_equal(sink.name, "web");
}

static void test_level(void **state) {
        struct seen sink = {}, observer = {};

        (void) state;
        hv_log_set_sink(see, &sink);
        hv_log_set_observer(see, &observer);
        hv_log_debug("dropped");
        assert_int_equal(sink.n + observer.n, 0);
        hv_log_info("kept");
        assert_int_equal(sink.n, 1);
        assert_int_equal(observer.n, 1);
        hv_log_set_level(LOG_ERR);
        hv_log_notice("dropped");
        hv_log_event(HV_EVENT_SYNCED, NULL, "an event that only the observer wants");
        assert_int_equal(sink.n, 1);
        assert_int_equal(observer.n, 2);
}

static void test_level_names(void **state) {
        (void) state;
        assert_int_equal(hv_log_level_from_name("ERROR"), LOG_ERR);
        assert_int_equal(hv_log_level_from_name("warn"), LOG_WARNING);
        assert_int_equal(hv_log_level_from_name("Warning"), LOG_WARNING);
        assert_int_equal(hv_log_level_from_name("debug"), LOG_DEBUG);
        assert_int_equal(hv_log_level_from_name("loud"), -EINVAL);
        assert_int_equal(hv_log_level_from_name(""), -EINVAL);
}

/* Runs `say` with stderr in a file and returns what it wrote. */
static char *stderr_of(void (*say)(void)) {
        char path[] = "/tmp/hivelet-test-log-XXXXXX";
        int fd = mkostemp(path, O_CLOEXEC), saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
        char *text = calloc(1, 4096);

        assert_true(fd >= 0 && saved >= 0 && text);
        assert_true(dup2(fd, STDERR_FILENO) >= 0);
        say();
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        assert_true(pread(fd, text, 4095, 0) >= 0);
        (void) close(fd);
        (void) close(saved);
        (void) unlink(path);
        return text;
}

static void say_two(void) {
        hv_log_open(HV_LOG_STDERR);
        (void) hv_log_error(0, "disk \x1b[31mfull\nreally \x7f end\ttab \xc3\xa4");
        hv_log_notice("second");
}

static void test_stderr_form(void **state) {
        _hv_cleanup_free_ char *text = NULL;
        struct tm tm = {};
        const char *rest;

        (void) state;
        text = stderr_of(say_two);
        rest = strptime(text, "[%Y-%m-%d %H:%M:%S] ", &tm);
        assert_non_null(rest);
        assert_int_equal(rest - text, strlen("[2026-11-21 12:00:00] "));
        assert_true(hv_has_prefix(rest, "ERROR: disk \\x1b[31mfull\\nreally \\x7f end\ttab \xc3\xa4\n["));
        assert_non_null(strstr(rest, "] NOTICE: second\n"));
}

static void test_line_and_back(void **state) {
        static const char *const others[] = { "",
                                              "no line",
                                              "[2026-11-21 12:00:00] ",
                                              "[2026-11-21 12:00:00] INFO",
                                              "[2026-11-21 12:00:00] LOUD: text",
                                              "[2026-11-21 12:00:00] A WORD FAR TOO LONG TO BE ONE: text",
                                              "[2026-13-41 12:00:00] INFO: text",
                                              "2026-11-21 12:00:00 INFO: text" };
        const struct hv_log_record r = { .level = LOG_WARNING,
                                         .realtime_us = UINT64_C(1800000000123456),
                                         .message = "odd: \x1b[0m" };
        _hv_cleanup_(hv_buf_done) struct hv_buf line = {};
        const char *message = NULL;
        uint64_t wall_us = 0;
        int level = 0;

        (void) state;
        hv_log_line(&r, &line);
        assert_true(line.len > 0 && line.data[line.len - 1] == '\n');
        line.data[line.len - 1] = '\0';
        assert_true(hv_log_line_parse(line.data, &wall_us, &level, &message));
        assert_int_equal(wall_us, UINT64_C(1800000000000000));
        assert_int_equal(level, LOG_WARNING);
        assert_string_equal(message, "odd: \\x1b[0m");
        for (size_t i = 0; i < HV_ARRAY_SIZE(others); i++)
                if (hv_log_line_parse(others[i], &wall_us, &level, &message))
                        fail_msg("\"%s\" is taken for a line", others[i]);
}

struct kept {
        size_t n;
        bool can;
};

static bool keep(const struct hv_log_record *r, void *userdata) {
        struct kept *k = userdata;

        (void) r;
        k->n += k->can;
        return k->can;
}

/* Nothing is in no place; what opens a door is in no file. */
static void test_files(void **state) {
        struct kept files = { .can = true };
        struct seen sink = {};

        (void) state;
        hv_log_set_sink(see, &sink);
        hv_log_set_files(keep, false, &files);
        hv_log_info("both");
        assert_int_equal(files.n, 1);
        assert_int_equal(sink.n, 1);
        hv_log_set_files(keep, true, &files);
        hv_log_info("files alone");
        assert_int_equal(files.n, 2);
        assert_int_equal(sink.n, 1);
        hv_log_unobserved(LOG_INFO, "the first password");
        assert_int_equal(files.n, 2);
        assert_int_equal(sink.n, 2);
        files.can = false;
        hv_log_info("their disk is full");
        assert_int_equal(files.n, 2);
        assert_int_equal(sink.n, 3);
        files.can = true;
        hv_log_set_level(LOG_ERR);
        hv_log_event(HV_EVENT_SYNCED, NULL, "an event, whatever the level");
        assert_int_equal(files.n, 3);
        assert_int_equal(sink.n, 3);
}

static void test_journal_entry(void **state) {
        static const char *const WANT[] = {
                "MESSAGE=web is up",
                "PRIORITY=5",
                "SYSLOG_IDENTIFIER=test_log",
                "MESSAGE_ID=", /* and the table's */
                "HIVELET_EVENT=ContainerStarted",
                "HIVELET_NODE_ID=node-7",
                "HIVELET_KIND=Service",
                "HIVELET_NAME=web",
                "HIVELET_REVISION=3f2a",
                "HIVELET_CONTAINER=hive-web",
                "CONTAINER_NAME=hive-web",
                "HIVELET_TASK=t-1",
                "HIVELET_REASON=Synced",
                "HIVELET_CODE=E0504",
                "ERRNO=2",
                "CODE_FILE=a.c",
                "CODE_LINE=7",
                "CODE_FUNC=f",
        };
        struct hv_log_record r = {
                .event = HV_EVENT_CONTAINER_STARTED,
                .level = LOG_NOTICE,
                .error = ENOENT,
                .message = "web is up",
                .node_id = "node-7",
                .file = "a.c",
                .function = "f",
                .line = 7,
                .fields = { "Service", "web", "3f2a", "hive-web", "t-1", "Synced", "E0504" },
        };
        struct hv_journal_entry e;

        (void) state;
        hv_journal_entry_make(&r, &e);
        assert_int_equal(e.n, HV_ARRAY_SIZE(WANT));
        for (size_t i = 0; i < e.n; i++)
                if (i == 3)
                        assert_string_equal(e.field[i] + strlen(WANT[i]), hv_event_message_id(r.event));
                else
                        assert_string_equal(e.field[i], WANT[i]);
        hv_journal_entry_done(&e);

        hv_journal_entry_make(&(struct hv_log_record){ .level = LOG_INFO, .message = "" }, &e);
        assert_int_equal(e.n, 3); /* what is not set is left out, but for what journald needs */
        assert_string_equal(e.field[0], "MESSAGE=(no text)");
        hv_journal_entry_done(&e);
}

static void test_journal_stream(void **state) {
        char path[] = "/tmp/hivelet-test-log-XXXXXX", value[64];
        int fd = mkostemp(path, O_CLOEXEC);
        struct stat st;

        (void) state;
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        (void) snprintf(value, sizeof value, "%ju:%ju", (uintmax_t) st.st_dev, (uintmax_t) st.st_ino);
        assert_true(hv_journal_is_stream(fd, value));
        assert_false(hv_journal_is_stream(STDIN_FILENO,
                                          value)); /* the journal is inherited, stderr was redirected */
        (void) strcat(value, "x");
        assert_false(hv_journal_is_stream(fd, value));
        assert_false(hv_journal_is_stream(fd, NULL));
        assert_false(hv_journal_is_stream(fd, ""));
        assert_false(hv_journal_is_stream(-1, "1:2"));
        (void) close(fd);
        (void) unlink(path);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_record, reset),
                cmocka_unit_test_teardown(test_level, reset),
                cmocka_unit_test_teardown(test_level_names, reset),
                cmocka_unit_test_teardown(test_stderr_form, reset),
                cmocka_unit_test(test_line_and_back),
                cmocka_unit_test_teardown(test_files, reset),
                cmocka_unit_test(test_journal_entry),
                cmocka_unit_test(test_journal_stream),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
