/* The way to journald (log/journal_socket.h): a socket of the test's own, which reads, reads late, or is not there. */
#include "testing.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "log/journal.h"
#include "log/journal_socket.h"

static char dir[32], path[64];
static int journald;

static int set_up(void **state) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void) state;
        (void) strcpy(dir, "/tmp/hivelet-test-XXXXXX");
        assert_non_null(mkdtemp(dir));
        (void) snprintf(path, sizeof path, "%s/socket", dir);
        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
        journald = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(journald >= 0);
        assert_int_equal(bind(journald, (struct sockaddr *) &address, sizeof address), 0);
        hv_journal_socket_set(path);
        return 0;
}

static int tear_down(void **state) {
        (void) state;
        hv_journal_socket_set(NULL);
        (void) close(journald);
        (void) unlink(path);
        (void) rmdir(dir);
        return 0;
}

static int say(const char *message) {
        return hv_journal_send(&(struct hv_log_record){ .level = LOG_INFO, .message = message });
}

/* The next record; false: there is none. A file that came instead of a text is read. */
static bool hear(struct hv_buf *ret) {
        static char block[1 << 20];
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec whole = { block, sizeof block };
        struct msghdr m = {
                .msg_iov = &whole, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t n = recvmsg(journald, &m, MSG_CMSG_CLOEXEC);
        struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

        hv_buf_clear(ret);
        if (n < 0)
                return false;
        hv_buf_add(ret, block, (size_t) n);
        if (c) {
                int fd, seals;
                struct stat st;

                assert_int_equal(n, 0);
                memcpy(&fd, CMSG_DATA(c), sizeof fd);
                seals = fcntl(fd, F_GET_SEALS);
                assert_int_equal(seals & (F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL),
                                 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
                assert_int_equal(fstat(fd, &st), 0);
                for (off_t at = 0; at < st.st_size;) {
                        n = pread(fd, block, sizeof block, at);
                        assert_true(n > 0);
                        hv_buf_add(ret, block, (size_t) n);
                        at += n;
                }
                (void) close(fd);
        }
        return true;
}

static void expect_heard(const char *expected) {
        _hv_cleanup_(hv_buf_done) struct hv_buf record = {};

        if (!hear(&record) || !strstr(hv_buf_str(&record), expected))
                fail_msg("heard \"%.200s\", expected \"%s\"", hv_buf_str(&record), expected);
}

static void a_record_has_the_form_of_the_protocol(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf record = {};
        uint64_t len = htole64(7);

        (void) state;
        assert_int_equal(say("web is up"), 0);
        assert_true(hear(&record));
        assert_string_equal(hv_buf_str(&record),
                            "MESSAGE=web is up\nPRIORITY=6\nSYSLOG_IDENTIFIER=test_journal\n");
        assert_int_equal(say("two\nrow"), 0); /* its length stands before what holds a line's end */
        assert_true(hear(&record));
        assert_memory_equal(record.data, "MESSAGE\n", 8);
        assert_memory_equal(record.data + 8, &len, 8);
        assert_string_equal(record.data + 16, "two\nrow\nPRIORITY=6\nSYSLOG_IDENTIFIER=test_journal\n");
        assert_false(hear(&record));
}

static void a_long_record_goes_as_a_sealed_file(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf record = {};
        _hv_cleanup_free_ char *text = hv_malloc((4 << 20) + 1);

        (void) state;
        memset(text, 'x', 4 << 20);
        text[4 << 20] = '\0';
        assert_int_equal(say(text), 0);
        assert_true(hear(&record));
        assert_true(record.len > 4 << 20);
        assert_memory_equal(record.data, "MESSAGE=xxx", 11);
        assert_non_null(strstr(record.data, "x\nPRIORITY=6\n"));
}

/* A journald that hangs: nobody waits for it, what is lost is counted, and told as soon as it takes records again. */
static void a_journal_that_hangs_holds_nobody(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf record = {};
        unsigned taken = 0;

        (void) state;
        for (unsigned i = 0; i < 5000; i++) /* more than any queue of datagrams holds */
                assert_int_equal(say("fills it"), 0);
        assert_true(hv_journal_n_lost() > 0);
        for (; hear(&record); taken++)
                assert_non_null(strstr(hv_buf_str(&record), "fills it"));
        assert_int_equal(taken + hv_journal_n_lost(), 5000);

        assert_int_equal(say("back"), 0);
        assert_true(hear(&record));
        assert_non_null(
                strstr(hv_buf_str(&record), "records before this one are lost: the journal took none"));
        assert_int_equal(strtoul(hv_buf_str(&record) + strlen("MESSAGE="), NULL, 10), 5000 - taken);
        expect_heard("MESSAGE=back\n");
        assert_int_equal(hv_journal_n_lost(), 0);
        assert_int_equal(say("on"), 0);
        expect_heard("MESSAGE=on\n");
}

static void without_journald_the_caller_is_told(void **state) {
        (void) state;
        (void) close(journald);
        assert_int_equal(say("nobody there"), -ECONNREFUSED);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(say("nobody there"), -ENOENT);
        assert_int_equal(hv_journal_n_lost(), 0);
        journald = -1;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_record_has_the_form_of_the_protocol, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_long_record_goes_as_a_sealed_file, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_journal_that_hangs_holds_nobody, set_up, tear_down),
                cmocka_unit_test_setup_teardown(without_journald_the_caller_is_told, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
