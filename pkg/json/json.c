/* json/json.c - see json.h. A struct hv_json is jansson's json_t; only the pointer is passed around. */
#include "json/json.h"

#include <errno.h>

#include <jansson.h>

/* jansson takes non-const values even where it only reads. */
static json_t *raw(const struct hv_json *j) {
        return (json_t *) (uintptr_t) j;
}

static struct hv_json *wrap(json_t *j) {
        return (struct hv_json *) j;
}

int hv_json_parse(const char *text, size_t len, size_t max_bytes, struct hv_json **ret, struct hv_err *err) {
        json_error_t e;
        json_t *j;

        if (len > max_bytes)
                return hv_err_set(err, -EMSGSIZE, "JSON of %zu bytes is above the limit of %zu", len,
                                  max_bytes);
        j = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
        if (!j)
                return hv_err_set(err, -EBADMSG, "not JSON at %d:%d: %s", e.line, e.column, e.text);
        *ret = wrap(j);
        return 0;
}

struct hv_json *hv_json_ref(struct hv_json *j) {
        return wrap(json_incref(raw(j)));
}

struct hv_json *hv_json_free(struct hv_json *j) {
        json_decref(raw(j));
        return NULL;
}

enum hv_json_type hv_json_type(const struct hv_json *j) {
        if (!j)
                return HV_JSON_ABSENT;
        switch (json_typeof(raw(j))) {
        case JSON_OBJECT:
                return HV_JSON_OBJECT;
        case JSON_ARRAY:
                return HV_JSON_ARRAY;
        case JSON_STRING:
                return HV_JSON_STR;
        case JSON_INTEGER:
                return HV_JSON_INT;
        case JSON_REAL:
                return HV_JSON_REAL;
        case JSON_TRUE:
        case JSON_FALSE:
                return HV_JSON_BOOL;
        case JSON_NULL:
                break;
        }
        return HV_JSON_NULL;
}

const struct hv_json *hv_json_get(const struct hv_json *j, const char *key) {
        return wrap(json_object_get(raw(j), key));
}

const char *hv_json_as_str(const struct hv_json *j) {
        return json_string_value(raw(j));
}

int64_t hv_json_as_int(const struct hv_json *j, int64_t otherwise) {
        if (json_is_real(raw(j))) {
                double d = json_real_value(raw(j));

                /* 2^63 is exact as a double and one above INT64_MAX: the cast is defined only below it. */
                return d >= 0x1p63 ? INT64_MAX : d < -0x1p63 ? INT64_MIN : (int64_t) d;
        }
        return json_is_integer(raw(j)) ? json_integer_value(raw(j)) : otherwise;
}

bool hv_json_as_bool(const struct hv_json *j, bool otherwise) {
        return json_is_boolean(raw(j)) ? json_boolean_value(raw(j)) : otherwise;
}

double hv_json_as_real(const struct hv_json *j, double otherwise) {
        return json_is_number(raw(j)) ? json_number_value(raw(j)) : otherwise;
}

const char *hv_json_str(const struct hv_json *j, const char *key) {
        return hv_json_as_str(hv_json_get(j, key));
}

int64_t hv_json_int(const struct hv_json *j, const char *key, int64_t otherwise) {
        return hv_json_as_int(hv_json_get(j, key), otherwise);
}

bool hv_json_bool(const struct hv_json *j, const char *key, bool otherwise) {
        return hv_json_as_bool(hv_json_get(j, key), otherwise);
}

double hv_json_real(const struct hv_json *j, const char *key, double otherwise) {
        return hv_json_as_real(hv_json_get(j, key), otherwise);
}

size_t hv_json_size(const struct hv_json *j) {
        return json_is_object(raw(j)) ? json_object_size(raw(j)) : json_array_size(raw(j));
}

const struct hv_json *hv_json_at(const struct hv_json *j, size_t i) {
        return wrap(json_array_get(raw(j), i));
}

bool hv_json_next(const struct hv_json *j, void **it, const char **ret_key,
                  const struct hv_json **ret_value) {
        *it = *it ? json_object_iter_next(raw(j), *it) : json_object_iter(raw(j));
        if (!*it)
                return false;
        if (ret_key)
                *ret_key = json_object_iter_key(*it);
        if (ret_value)
                *ret_value = wrap(json_object_iter_value(*it));
        return true;
}

static int append(const char *data, size_t len, void *buf) {
        hv_buf_add(buf, data, len);
        return 0;
}

void hv_json_dump(const struct hv_json *j, struct hv_buf *buf) {
        if (j)
                (void) json_dump_callback(raw(j), append, buf,
                                          JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
        else
                hv_buf_puts(buf, "null");
}
