/* spec: every folder of test/spec says exactly what its `expect` holds, and is mended by its fixed documents.
 *
 * `test_spec_corpus --write FOLDER...` writes `expect` anew from what is said now; read the difference before committing
 * it. */
#include "testing.h"

#include "corpus.h"

/* "E0301-reversed" -> "E0301" */
static void code_of(const char *folder, char ret[16]) {
        size_t n = HV_MIN(strcspn(folder, "-"), 15u);

        memcpy(ret, folder, n);
        ret[n] = '\0';
}

static bool says(const struct hv_buf *findings, const char *code) {
        _hv_cleanup_free_ char *tag = hv_asprintf("[%s]: ", code);

        return strstr(hv_buf_str(findings), tag) != NULL;
}

/* Prints what is wrong with a folder; returns how many things. */
static unsigned check_folder(const char *name) {
        _hv_cleanup_free_ char *folder = hv_asprintf(CORPUS_DIR "/%s", name),
                               *path = hv_asprintf("%s/expect", folder);
        _hv_cleanup_free_ char *expected = corpus_read(path, NULL);
        _hv_cleanup_(hv_buf_done) struct hv_buf bad = {}, fixed = {};
        unsigned wrong = 0;
        char code[16];

        code_of(name, code);
        (void) corpus_judge(folder, "bad", &bad);
        if (!hv_streq(expected, hv_buf_str(&bad))) {
                print_error("%s: bad says\n%sexpected\n%s", name, hv_buf_str(&bad),
                            expected ? expected : "(no file)\n");
                wrong++;
        }
        if (!says(&bad, code)) {
                print_error("%s: bad does not say %s\n", name, code);
                wrong++;
        }
        if (corpus_judge(folder, "fixed", &fixed) > 0 || says(&fixed, code)) {
                print_error("%s: fixed says\n%s", name, hv_buf_str(&fixed));
                wrong++;
        }
        return wrong;
}

static void every_folder_says_what_is_expected(void **state) {
        struct corpus_list names;
        unsigned wrong = 0;

        (void) state;
        corpus_folders(&names);
        assert_true(names.n > 100);
        for (size_t i = 0; i < names.n; i++)
                wrong += check_folder(names.v[i]);
        corpus_list_done(&names);
        if (wrong > 0)
                fail_msg("%u findings", wrong);
}

static int write_expectation(const char *name) {
        _hv_cleanup_free_ char *folder = hv_asprintf(CORPUS_DIR "/%s", name),
                               *path = hv_asprintf("%s/expect", folder);
        _hv_cleanup_(hv_buf_done) struct hv_buf findings = {};
        FILE *f;

        (void) corpus_judge(folder, "bad", &findings);
        f = fopen(path, "we");
        if (!f)
                return 1;
        (void) fputs(hv_buf_str(&findings), f);
        return fclose(f) == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = { cmocka_unit_test(every_folder_says_what_is_expected) };

        if (argc > 1 && hv_streq(argv[1], "--write")) {
                int r = 0;

                for (int i = 2; i < argc; i++)
                        r |= write_expectation(argv[i]);
                return r;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
