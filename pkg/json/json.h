/* json/json.h - JSON that is read.
 *
 *     struct hv_json *j;  hv_json_parse(text, len, HV_JSON_MAX_BYTES, &j, err);
 *     hv_json_str(hv_json_get(j, "State"), "Status")          absent, null or not a text anywhere: NULL
 *
 * Model    Strict parsing (RFC 8259: no trailing data, valid UTF-8, no NUL in texts, unique keys, exact
 *          64-bit integers, at most 2048 deep), tolerant reading: every getter takes NULL and any type of
 *          value, and gives the default for what is absent, null or of another type. Writers and canonical
 *          form: json/write.h.
 * Owner    hv_json_parse() and hv_json_ref() give a reference, hv_json_free() ends one. What getters give is
 *          borrowed from the value they were asked of.
 * Source   This module is the only one that knows jansson.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct hv_json; /* any JSON value */

#define HV_JSON_MAX_BYTES ((size_t) 32 << 20) /* a limit for documents of which nothing better is known */

/* -EMSGSIZE longer than max_bytes; -EBADMSG not JSON, err says where (line, column) and what. */
int hv_json_parse(const char *text, size_t len, size_t max_bytes, struct hv_json **ret, struct hv_err *err);
struct hv_json *hv_json_ref(struct hv_json *j);
struct hv_json *hv_json_free(struct hv_json *j); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_json, hv_json_free);

enum hv_json_type {
        HV_JSON_ABSENT, /* NULL */
        HV_JSON_NULL,
        HV_JSON_BOOL,
        HV_JSON_INT,
        HV_JSON_REAL,
        HV_JSON_STR,
        HV_JSON_ARRAY,
        HV_JSON_OBJECT,
};

enum hv_json_type hv_json_type(const struct hv_json *j);

/* Members of an object. The `_at` forms below read the value itself. */
const struct hv_json *hv_json_get(const struct hv_json *j, const char *key); /* NULL: none */
const char *hv_json_str(const struct hv_json *j, const char *key);           /* NULL: none */
int64_t hv_json_int(const struct hv_json *j, const char *key,
                    int64_t otherwise); /* reals are cut, and clamped */
bool hv_json_bool(const struct hv_json *j, const char *key, bool otherwise);
double hv_json_real(const struct hv_json *j, const char *key, double otherwise); /* integers too */

const char *hv_json_as_str(const struct hv_json *j);
int64_t hv_json_as_int(const struct hv_json *j, int64_t otherwise);
bool hv_json_as_bool(const struct hv_json *j, bool otherwise);
double hv_json_as_real(const struct hv_json *j, double otherwise);

/* Elements of an array, members of an object; 0 for anything else. */
size_t hv_json_size(const struct hv_json *j);
const struct hv_json *hv_json_at(const struct hv_json *j, size_t i); /* of an array; NULL past its end */

/* Walks the members of an object in the order of the document:
 * `void *it = NULL; while (hv_json_next(j, &it, &key, &value))`. */
bool hv_json_next(const struct hv_json *j, void **it, const char **ret_key, const struct hv_json **ret_value);

/* The canonical form: no blanks, keys sorted, nothing escaped that need not be. Equal values give equal
 * bytes. */
void hv_json_dump(const struct hv_json *j, struct hv_buf *buf);
