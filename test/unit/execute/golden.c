/* golden.c - see golden.h. */
#include "golden.h"

#include "testing.h"

#include "base/alloc.h"

void golden_add_lines(const char *json, struct hv_buf *out) {
        bool quoted = false;

        for (const char *p = json; *p; p++) {
                if (*p == '"' && (p == json || p[-1] != '\\'))
                        quoted = !quoted;
                hv_buf_putc(out, *p);
                if (*p == ',' && !quoted)
                        hv_buf_putc(out, '\n');
        }
        hv_buf_puts(out, "\n\n");
}

static char *read_text(const char *path) {
        FILE *f = fopen(path, "re");
        struct hv_buf out = {};
        char block[4096];
        size_t n;

        while (f && (n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(&out, block, n);
        if (f)
                (void) fclose(f);
        return hv_buf_steal(&out);
}

void golden_expect(const char *path, const struct hv_buf *made) {
        _hv_cleanup_free_ char *golden = read_text(path);
        FILE *f;

        if (!hv_streq(getenv("HV_GOLDEN"), "write")) {
                assert_string_equal(made->data, golden);
                return;
        }
        f = fopen(path, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(made->data, 1, made->len, f), made->len);
        assert_int_equal(fclose(f), 0);
}
