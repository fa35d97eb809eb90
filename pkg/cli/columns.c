#include "cli/columns.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "cli/jsonpath.h"
#include "cli/table.h"
#include "json/json.h"

#define COLUMNS_MAX 64

struct column {
        char *heading, *path;
};

struct hv_columns {
        HV_VEC(struct column) v;
};

struct hv_columns *hv_columns_free(struct hv_columns *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < c->v.n; i++) {
                free(c->v.v[i].heading);
                free(c->v.v[i].path);
        }
        hv_vec_done(&c->v);
        free(c);
        return NULL;
}

/* Up to the next comma that is in no bracket. */
static size_t column_length(const char *text) {
        unsigned depth = 0;
        size_t n = 0;

        for (; text[n] && (depth > 0 || text[n] != ','); n++) {
                if (text[n] == '[')
                        depth++;
                else if (text[n] == ']' && depth > 0)
                        depth--;
        }
        return n;
}

static int add_column(struct hv_columns *c, const char *text, size_t len, struct hv_err *err) {
        _hv_cleanup_free_ char *one = hv_strndup(text, len);
        char *colon = strchr(one, ':'), quoted[HV_TEXT_QUOTE_SIZE];
        int r;

        if (!colon || colon == one || !colon[1])
                return hv_err_set(err, -EINVAL,
                                  "--output: custom-columns: expected HEADING:PATH, found %s; for example "
                                  "custom-columns=NAME:.metadata.name,PHASE:.status.phase",
                                  hv_text_quote(one, quoted));
        if (c->v.n == COLUMNS_MAX)
                return hv_err_set(err, -EINVAL, "--output: custom-columns: at most %d columns", COLUMNS_MAX);
        *colon = '\0';
        r = hv_jsonpath(colon + 1, NULL, NULL, err);
        if (r < 0)
                return hv_err_prefix(err, r, "--output: custom-columns: column %s", one);
        hv_vec_push(&c->v, ((struct column){ hv_strdup(one), hv_strdup(colon + 1) }));
        return 0;
}

int hv_columns_new(const char *text, struct hv_columns **ret, struct hv_err *err) {
        _hv_cleanup_(hv_columns_freep) struct hv_columns *c = HV_NEW(struct hv_columns);

        for (;;) {
                size_t len = column_length(text);
                int r = add_column(c, text, len, err);

                if (r < 0)
                        return r;
                if (!text[len])
                        break;
                text += len + 1;
        }
        *ret = HV_STEAL(c);
        return 0;
}

static void put_row(const struct hv_columns *c, const struct hv_json *item, struct hv_table *t) {
        hv_table_row(t);
        for (size_t i = 0; i < c->v.n; i++) {
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

                (void) hv_jsonpath(c->v.v[i].path, item, &text, NULL); /* it was judged beforehand */
                hv_table_cell(t, hv_buf_str(&text));
        }
}

struct hv_table *hv_columns_table(const struct hv_columns *c, const struct hv_json *j) {
        const struct hv_json *items = hv_json_get(j, "items");
        struct hv_table *t = hv_table_new();

        for (size_t i = 0; i < c->v.n; i++)
                hv_table_column(t, c->v.v[i].heading, HV_TABLE_CUT);
        for (size_t i = 0; i < hv_json_size(items); i++)
                put_row(c, hv_json_at(items, i), t);
        if (hv_json_type(items) != HV_JSON_ARRAY)
                put_row(c, j, t);
        return t;
}
