#include "cli/document.h"

#include "json/json.h"
#include "json/write.h"

static void indent(struct hv_buf *buf, unsigned depth) {
        for (unsigned i = 0; i < depth; i++)
                hv_buf_puts(buf, "  ");
}

static bool is_container(const struct hv_json *j) {
        return hv_json_type(j) == HV_JSON_OBJECT || hv_json_type(j) == HV_JSON_ARRAY;
}

/* A text in double quotes with JSON's escapes, which are YAML's too. */
static void put_quoted(struct hv_buf *buf, const char *text) {
        struct hv_json_writer w = { .buf = buf };

        hv_json_put_str(&w, NULL, text);
}

static void put_scalar(struct hv_buf *buf, const struct hv_json *j) {
        struct hv_json_writer w = { .buf = buf };

        hv_json_put_json(&w, NULL, j);
}

static void put_json(struct hv_buf *buf, const struct hv_json *j, unsigned depth) {
        bool object = hv_json_type(j) == HV_JSON_OBJECT;
        const struct hv_json *value;
        const char *key;
        void *it = NULL;
        size_t n = 0;

        if (!is_container(j) || hv_json_size(j) == 0) {
                put_scalar(buf, j);
                return;
        }
        hv_buf_puts(buf, object ? "{\n" : "[\n");
        for (size_t i = 0; i < hv_json_size(j); i++) {
                indent(buf, depth + 1);
                if (object && hv_json_next(j, &it, &key, &value)) {
                        put_quoted(buf, key);
                        hv_buf_puts(buf, ": ");
                } else
                        value = hv_json_at(j, i);
                put_json(buf, value, depth + 1);
                hv_buf_puts(buf, ++n < hv_json_size(j) ? ",\n" : "\n");
        }
        indent(buf, depth);
        hv_buf_putc(buf, object ? '}' : ']');
}

void hv_document_json(const struct hv_json *j, struct hv_buf *ret) {
        put_json(ret, j, 0);
        hv_buf_putc(ret, '\n');
}
