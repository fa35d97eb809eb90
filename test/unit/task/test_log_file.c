/* log_file: the end of what was printed, whose they were, and flat memory whatever comes. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "task/collect.h"
#include "task/log_file.h"

#define NOTICE(cap) \
        "[hivelet] the log was longer than " cap " in the engine's files: its beginning is missing\n"

struct written {
        struct bench *b;
        int fd;
        struct hv_log_file *log;
        struct hv_log_summary sum;
        char *text;
};

static void begin_form(struct written *w, struct bench *b, uint64_t cap, enum hv_log_form form) {
        *w = (struct written){ .b = b };
        w->fd = open(b->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(hv_log_file_new(w->fd, cap, form, &w->log, NULL), 0);
}

static void begin(struct written *w, struct bench *b, uint64_t cap) {
        begin_form(w, b, cap, HV_LOG_FORM_BYTES);
}

static void add(struct written *w, enum hv_log_stream stream, const char *text) {
        assert_int_equal(hv_log_file_add(w->log, stream, text, strlen(text), NULL), 0);
}

static void finish(struct written *w) {
        char hex[HV_SHA256_HEX_SIZE];

        assert_int_equal(hv_log_file_finish(w->log, &w->sum, NULL), 0);
        w->log = hv_log_file_free(w->log);
        (void) close(w->fd);
        w->text = bench_read(bench_path(w->b, "log"));
        hv_sha256_hex(w->text, (size_t) w->sum.size_bytes, hex);
        assert_string_equal(hex, w->sum.sha256);
        assert_int_equal(bench_count(w->b->path), 2); /* no segment is left */
}

/* "o5 e3": lengths of the runs; they must add up to the log. */
static void expect_runs(const struct written *w, const char *expected) {
        FILE *index = fopen(bench_path(w->b, "log.idx"), "re");
        struct hv_buf runs = {};
        uint64_t value, total = 0;

        while (hv_log_next_run(index, &value)) {
                hv_buf_printf(&runs, "%s%c%llu", runs.len ? " " : "", value % 2 ? 'e' : 'o',
                              (unsigned long long) value / 2);
                total += value / 2;
        }
        (void) fclose(index);
        if (expected)
                assert_string_equal(hv_buf_str(&runs), expected);
        assert_int_equal(total, w->sum.size_bytes);
        hv_buf_done(&runs);
}

static void what_fits_is_kept_as_it_is(void **state) {
        struct written w;

        begin(&w, *state, 100);
        add(&w, HV_LOG_FROM_STDOUT, "one\n");
        add(&w, HV_LOG_FROM_STDOUT, "two\n");
        add(&w, HV_LOG_FROM_STDERR, "three");
        add(&w, HV_LOG_FROM_STDOUT, "\n");
        finish(&w);
        assert_string_equal(w.text, "one\ntwo\nthree\n");
        expect_runs(&w, "o8 e5 o1");
        assert_false(w.sum.truncated);
        free(w.text);
}

static void nothing_gives_an_empty_log(void **state) {
        struct written w;

        begin(&w, *state, 100);
        finish(&w);
        assert_string_equal(w.text, "");
        assert_int_equal(w.sum.size_bytes, 0);
        expect_runs(&w, "");
        free(w.text);
}

static void exactly_the_cap_is_not_cut(void **state) {
        struct written w;

        begin(&w, *state, 8);
        add(&w, HV_LOG_FROM_STDOUT, "1234567\n");
        finish(&w);
        assert_string_equal(w.text, "1234567\n");
        assert_false(w.sum.truncated);
        free(w.text);
}

static void the_beginning_is_dropped_at_a_line(void **state) {
        static const struct {
                const char *what;
                uint64_t cap;
                const char *pieces[8]; /* "o" or "e" in front */
                const char *text, *runs;
        } rows[] = {
                { "one byte too much", 8, { "oab\ncdef\ng" }, NOTICE("8") "cdef\ng", " o6" },
                { "several times over",
                  8,
                  { "o1\n2\n3\n4\n5\n6\n7\n8\n9\n" },
                  NOTICE("8") "7\n8\n9\n",
                  " o6" },
                { "streams keep their runs",
                  10,
                  { "oaaaaaaaa\n", "ebb\n", "occ\n", "edd\n" },
                  NOTICE("10") "bb\ncc\ndd\n",
                  " e3 o3 e3" },
                { "no line at all", 8, { "oabcdefghijkl" }, NOTICE("8") "efghijkl", " o8" },
                { "the older segment goes whole", 4, { "oab\n\ncd\n\n" }, NOTICE("4") "\n", " o1" },
                { "the line begins in the newer segment",
                  8,
                  { "oaaaaaaaaaaa\nbb\n" },
                  NOTICE("8") "bb\n",
                  " o3" },
                { "the newline is the last byte", 4, { "oabcdefgh\n" }, NOTICE("4") "", "" },
        };

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct written w;
                char runs[64];

                begin(&w, *state, rows[i].cap);
                for (size_t k = 0; k < 8 && rows[i].pieces[k]; k++)
                        add(&w, rows[i].pieces[k][0] == 'o' ? HV_LOG_FROM_STDOUT : HV_LOG_FROM_STDERR,
                            rows[i].pieces[k] + 1);
                finish(&w);
                if (!hv_streq(w.text, rows[i].text))
                        fail_msg("%s: \"%s\"", rows[i].what, w.text);
                assert_true(w.sum.truncated);
                (void) snprintf(runs, sizeof runs, "e%zu%s", strcspn(rows[i].text, "\n") + 1, rows[i].runs);
                expect_runs(&w, runs);
                free(w.text);
        }
}

/* Against a plain model: the last bytes of everything, cut at the first newline. */
static void any_pieces_give_the_end_of_the_whole(void **state) {
        struct hv_rng rng = { .state = 7 };

        for (unsigned round = 0; round < 300; round++) {
                uint64_t cap = 16 + hv_rng_below(&rng, 300);
                struct hv_buf all = {}, streams = {};
                unsigned n = (unsigned) hv_rng_below(&rng, 60);
                struct written w;
                const char *kept;

                begin(&w, *state, cap);
                for (unsigned i = 0; i < n; i++) {
                        char piece[64];
                        size_t len = hv_rng_below(&rng, sizeof piece);
                        enum hv_log_stream stream =
                                hv_rng_below(&rng, 2) ? HV_LOG_FROM_STDERR : HV_LOG_FROM_STDOUT;

                        for (size_t k = 0; k < len; k++)
                                piece[k] =
                                        hv_rng_below(&rng, 12) ? (char) ('a' + hv_rng_below(&rng, 26)) : '\n';
                        assert_int_equal(hv_log_file_add(w.log, stream, piece, len, NULL), 0);
                        hv_buf_add(&all, piece, len);
                        for (size_t k = 0; k < len; k++)
                                hv_buf_putc(&streams, stream == HV_LOG_FROM_STDERR ? 'e' : 'o');
                }
                finish(&w);
                expect_runs(&w, NULL);
                kept = hv_buf_str(&all);
                if (all.len > cap) {
                        const char *newline;

                        kept += all.len - cap;
                        newline = strchr(kept, '\n');
                        kept = newline ? newline + 1 : kept;
                        assert_true(hv_has_prefix(w.text, "[hivelet] the log was longer"));
                        assert_string_equal(strchr(w.text, '\n') + 1, kept);
                } else
                        assert_string_equal(w.text, kept);
                hv_buf_done(&all);
                hv_buf_done(&streams);
                free(w.text);
        }
}

/* --- as the engine counts --- */

static void each_form_has_its_price(void **state) {
        static const struct {
                const char *what, *text;
                uint64_t json, local;
        } rows[] = {
                { "an empty line", "\n", 71, 33 },
                { "a word", "hello\n", 69 + 7, 32 + 6 },
                { "what JSON escapes shortly", "\"\\\r", 69 + 6, 32 + 3 },
                { "and at length", "<\001\t>", 69 + 24, 32 + 4 },
                { "other letters", "\xc3\xa4", 69 + 2, 32 + 2 },
                { "what stood for bytes that are no text", "\xef\xbf\xbd", 69 + 6, 32 + 3 },
                { "a line separator", "\xe2\x80\xa8", 69 + 6, 32 + 3 },
        };
        char part[16384];

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                size_t len = strlen(rows[i].text);

                if (hv_log_form_cost(HV_LOG_FORM_JSON, rows[i].text, len) != rows[i].json ||
                    hv_log_form_cost(HV_LOG_FORM_LOCAL, rows[i].text, len) != rows[i].local)
                        fail_msg("%s", rows[i].what);
                assert_int_equal(hv_log_form_cost(HV_LOG_FORM_BYTES, rows[i].text, len), len);
        }
        memset(part, 'x', sizeof part);
        assert_int_equal(hv_log_form_cost(HV_LOG_FORM_LOCAL, part, sizeof part), sizeof part + 32 + 160);
        assert_int_equal(hv_log_form_of("json-file"), HV_LOG_FORM_JSON);
        assert_int_equal(hv_log_form_of("local"), HV_LOG_FORM_LOCAL);
        assert_int_equal(hv_log_form_of("journald"), HV_LOG_FORM_BYTES);
        assert_int_equal(hv_log_form_of(NULL), HV_LOG_FORM_BYTES);
}

/* A thousand lines of one byte are far below the cap in bytes; the engine may have dropped some. */
static void the_cap_is_one_of_the_engines_files(void **state) {
        static const enum hv_log_form forms[] = { HV_LOG_FORM_JSON, HV_LOG_FORM_LOCAL };

        for (size_t k = 0; k < HV_ARRAY_SIZE(forms); k++) {
                uint64_t line = hv_log_form_cost(forms[k], "\n", 1), cap = 1000 * line;
                struct written w;

                begin_form(&w, *state, cap, forms[k]);
                for (unsigned i = 0; i < 1000; i++)
                        add(&w, HV_LOG_FROM_STDOUT, "\n");
                finish(&w);
                assert_false(w.sum.truncated);
                assert_int_equal(w.sum.size_bytes, 1000);
                free(w.text);

                begin_form(&w, *state, cap, forms[k]);
                for (unsigned i = 0; i < 5001; i++)
                        add(&w, HV_LOG_FROM_STDOUT, "\n");
                finish(&w);
                assert_true(w.sum.truncated);
                assert_int_equal(w.sum.seen_bytes, 5001);
                assert_true(hv_has_prefix(w.text, "[hivelet] the log was longer"));
                /* not above the cap, and not much below: to the next milestone, then to the next line */
                assert_in_range(strlen(strchr(w.text, '\n') + 1), 900, 1000);
                expect_runs(&w, NULL);
                free(w.text);
        }
}

static void what_the_engine_lost_is_marked_however_short_the_rest_is(void **state) {
        struct written w;

        begin_form(&w, *state, 1 << 20, HV_LOG_FORM_JSON);
        hv_log_file_lost_beginning(w.log);
        add(&w, HV_LOG_FROM_STDOUT, "end\n");
        finish(&w);
        assert_true(w.sum.truncated);
        assert_string_equal(w.text, NOTICE("1Mi") "end\n");
        free(w.text);

        begin(&w, *state, 100);
        hv_log_file_lost_beginning(w.log);
        finish(&w);
        assert_string_equal(w.text, NOTICE("100"));
        free(w.text);
}

/* --- much --- */

static uint64_t resident_bytes(void) {
        _hv_cleanup_free_ char *text = bench_read("/proc/self/statm");

        return strtoull(strchr(text, ' '), NULL, 10) * (uint64_t) sysconf(_SC_PAGESIZE);
}

struct flood {
        bool room, done;
        int error;
        struct hv_log_summary log;
};

static void on_room(void *userdata) {
        struct flood *f = userdata;

        f->room = true;
}

static void on_done(void *userdata, const struct hv_collected *result) {
        struct flood *f = userdata;

        f->done = true;
        f->error = result->error;
        f->log = result->log;
}

static void a_gigabyte_needs_no_memory(void **state) {
        static const uint64_t total = UINT64_C(1) << 30;
        _hv_cleanup_free_ char *piece = hv_malloc(16384);
        struct bench *b = *state;
        struct flood f = { .room = true };
        struct hv_collect_options o = { .worker = b->worker,
                                        .work_root = b->work,
                                        .results_root = b->results,
                                        .attempt = { "t", 1 },
                                        .log_cap_bytes = 20 << 20,
                                        .log_room = on_room,
                                        .done = on_done,
                                        .userdata = &f };
        struct hv_collect *c;
        uint64_t before = 0;

        memset(piece, 'y', 16384);
        for (unsigned i = 79; i < 16384; i += 80)
                piece[i] = '\n';
        bench_mount_small(b->results, "80m");
        c = hv_collect_new(&o);
        for (uint64_t n = 0; n < total; n += 16384) {
                f.room = hv_collect_log(c, n & 65536 ? HV_LOG_FROM_STDERR : HV_LOG_FROM_STDOUT, piece, 16384);
                hv_test_run_until(b->event, f.room);
                if (n == UINT64_C(64) << 20)
                        before = resident_bytes();
        }
        assert_in_range(resident_bytes(), 0, before + (8 << 20));
        hv_collect_finish(c);
        hv_test_run_until(b->event, f.done);
        assert_int_equal(f.error, 0);
        assert_true(f.log.truncated);
        assert_int_equal(f.log.seen_bytes, total);
        assert_in_range(f.log.size_bytes, (20 << 20) - 200, (20 << 20) + 100);
        bench_unmount(b->results);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
                ROW(what_fits_is_kept_as_it_is),
                ROW(nothing_gives_an_empty_log),
                ROW(exactly_the_cap_is_not_cut),
                ROW(the_beginning_is_dropped_at_a_line),
                ROW(any_pieces_give_the_end_of_the_whole),
                ROW(each_form_has_its_price),
                ROW(the_cap_is_one_of_the_engines_files),
                ROW(what_the_engine_lost_is_marked_however_short_the_rest_is),
                ROW(a_gigabyte_needs_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
