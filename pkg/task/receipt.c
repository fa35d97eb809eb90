/* task/receipt.c - see receipt.h. */
#include "task/receipt.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"
#include "json/write.h"

#define VERSION 3
#define VERSION_MIN \
        1 /* without `reason`, and as 2 without `usage.gpu`; kept for ever, as what was signed is */
#define TEXT_MAX ((size_t) 16 << 20)
#define HEAD "{\"receipt\":"
#define MIDDLE ",\"signature\":\""
#define TAIL "\"}"

/* --- making: the members in the order of their names --- */

static void put_inputs(struct hv_json_writer *w, const struct hv_receipt *r) {
        if (!r->inputs_known) {
                hv_json_put_null(w, "inputs");
                return;
        }
        hv_json_begin_array(w, "inputs");
        for (size_t i = 0; i < r->n_inputs; i++) {
                hv_json_begin_object(w, NULL);
                hv_json_put_str(w, "path", r->inputs[i].path);
                hv_json_put_str(w, "sha256", r->inputs[i].sha256);
                hv_json_put_uint(w, "size", r->inputs[i].size_bytes);
                hv_json_end(w);
        }
        hv_json_end(w);
}

static void put_known(struct hv_json_writer *w, const char *key, uint64_t value) {
        if (value)
                hv_json_put_uint(w, key, value);
        else
                hv_json_put_null(w, key);
}

static void put_collected(struct hv_json_writer *w, const struct hv_receipt *r) {
        if (r->log_sha256) {
                hv_json_begin_object(w, "log");
                hv_json_put_str(w, "sha256", r->log_sha256);
                hv_json_put_uint(w, "size", r->log_bytes);
                hv_json_put_bool(w, "truncated", r->log_truncated);
                hv_json_end(w);
        } else
                hv_json_put_null(w, "log");
        hv_json_put_str(w, "name", r->name);
        hv_json_put_str(w, "node", r->node);
        hv_json_put_bool(w, "oomKilled", r->oom_killed);
        if (r->outputs_sha256) {
                hv_json_begin_object(w, "outputs");
                hv_json_put_uint(w, "files", r->n_outputs);
                hv_json_put_str(w, "manifestSha256", r->outputs_sha256);
                hv_json_put_uint(w, "size", r->outputs_bytes);
                hv_json_end(w);
        } else
                hv_json_put_null(w, "outputs");
}

static void put_body(struct hv_json_writer *w, const struct hv_receipt *r, const char *key) {
        hv_json_begin_object(w, NULL);
        put_known(w, "attempt", r->attempt);
        hv_json_put_str(w, "cause", r->cause);
        hv_json_put_str(w, "digest", r->digest);
        hv_json_put_str(w, "documentSha256", r->document_sha256);
        if (r->exit_code >= 0)
                hv_json_put_int(w, "exitCode", r->exit_code);
        else
                hv_json_put_null(w, "exitCode");
        hv_json_begin_object(w, "image");
        hv_json_put_str(w, "id", r->image_id);
        hv_json_put_str(w, "reference", r->image);
        hv_json_end(w);
        put_inputs(w, r);
        hv_json_put_str(w, "key", key);
        put_collected(w, r);
        hv_json_put_str(w, "previous", r->previous);
        hv_json_put_str(w, "reason", r->reason);
        hv_json_put_str(w, "source", r->source);
        hv_json_put_str(w, "state", r->state);
        hv_json_put_str(w, "task", r->task);
        hv_json_begin_object(w, "times"); /* microseconds since 1970 */
        put_known(w, "ended", r->ended_us);
        put_known(w, "finished", r->finished_us);
        put_known(w, "started", r->started_us);
        hv_json_end(w);
        hv_json_begin_object(w, "usage");
        put_known(w, "cpuMicroseconds", r->usage.cpu_us);
        hv_task_put_gpu_use(w, &r->usage.gpu);
        put_known(w, "memoryPeakBytes", r->usage.memory_peak_bytes);
        hv_json_end(w);
        hv_json_put_uint(w, "version", VERSION);
        hv_json_end(w);
}

void hv_receipt_make(const struct hv_receipt *r, const struct hv_receipt_key *key, struct hv_buf *ret,
                     char ret_sha256[HV_SHA256_HEX_SIZE]) {
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *parsed = NULL;
        unsigned char signature[HV_RECEIPT_SIGNATURE_SIZE];
        struct hv_json_writer w = { .buf = &body };
        size_t start = ret->len;

        put_body(&w, r, hv_receipt_key_public(key));
        if (hv_json_parse(body.data, body.len, TEXT_MAX, &parsed, NULL) ==
            0) { /* the one way to write a text */
                hv_buf_clear(&body);
                hv_json_dump(parsed, &body);
        }
        hv_receipt_key_sign(key, body.data, body.len, signature);
        hv_buf_puts(ret, HEAD);
        hv_buf_add(ret, body.data, body.len);
        hv_buf_puts(ret, MIDDLE);
        for (size_t i = 0; i < sizeof signature; i++)
                hv_buf_printf(ret, "%02x", signature[i]);
        hv_buf_puts(ret, TAIL);
        hv_sha256_hex(ret->data + start, ret->len - start, ret_sha256);
}

/* --- checking --- */

struct parts {
        const char *body;
        size_t len;
        char signature[2 * HV_RECEIPT_SIGNATURE_SIZE + 1];
};

static int cut(const char *text, size_t len, struct parts *ret, struct hv_err *err) {
        const size_t head = strlen(HEAD), middle = strlen(MIDDLE), tail = strlen(TAIL),
                     signature = sizeof ret->signature - 1;
        const char *after;

        if (len > TEXT_MAX)
                return hv_err_set(err, -EBADMSG, "this is not a receipt: it has more than 16 MiB");
        if (len < head + middle + signature + tail + 2 || memcmp(text, HEAD, head) != 0)
                return hv_err_set(err, -EBADMSG, "this is not a receipt: it does not begin with " HEAD);
        after = text + len - tail - signature - middle;
        if (memcmp(after, MIDDLE, middle) != 0 || memcmp(text + len - tail, TAIL, tail) != 0)
                return hv_err_set(err, -EBADMSG, "this is not a receipt: it does not end with a signature");
        ret->body = text + head;
        ret->len = (size_t) (after - ret->body);
        memcpy(ret->signature, after + middle, signature);
        ret->signature[signature] = '\0';
        return 0;
}

static int check_form(const struct parts *p, const struct hv_json *body, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf again = {};
        int64_t version;

        hv_json_dump(body, &again);
        if (again.len != p->len || memcmp(again.data, p->body, p->len) != 0)
                return hv_err_set(err, -EBADMSG,
                                  "the receipt is not in canonical form: it was written by something else");
        version = hv_json_int(body, "version", 0);
        if (version < VERSION_MIN || version > VERSION)
                return hv_err_set(err, -EBADMSG,
                                  "the receipt is of version %lld; this program knows %d to %d",
                                  (long long) version, VERSION_MIN, VERSION);
        return 0;
}

static int check_signature(const struct parts *p, const char *key, struct hv_err *err) {
        unsigned char public_key[HV_RECEIPT_KEY_SIZE], signature[HV_RECEIPT_SIGNATURE_SIZE];

        if (!hv_receipt_hex_decode(key, public_key, sizeof public_key))
                return hv_err_set(err, -EBADMSG, "the receipt names no key");
        if (!hv_receipt_hex_decode(p->signature, signature, sizeof signature))
                return hv_err_set(err, -EBADMSG, "the signature is not 128 lower-case hex digits");
        if (!hv_receipt_key_verify(public_key, p->body, p->len, signature))
                return hv_err_set(
                        err, -EBADMSG,
                        "the signature does not fit: the receipt was changed, or not made with the key that it "
                        "names (%.16s...)",
                        key);
        return 0;
}

static bool copy(char *ret, size_t size, const char *text) {
        return text && (size_t) snprintf(ret, size, "%s", text) < size;
}

/* What is signed, and not a receipt, is refused all the same. */
static int read_body(const struct hv_json *body, struct hv_receipt_checked *ret, struct hv_err *err) {
        const char *previous = hv_json_str(body, "previous");

        ret->attempt = (unsigned) hv_json_int(body, "attempt", 0);
        ret->ended_us = (uint64_t) hv_json_int(hv_json_get(body, "times"), "ended", 0);
        if (!copy(ret->task, sizeof ret->task, hv_json_str(body, "task")) ||
            !copy(ret->state, sizeof ret->state, hv_json_str(body, "state")) ||
            !copy(ret->key, sizeof ret->key, hv_json_str(body, "key")) ||
            !copy(ret->previous, sizeof ret->previous, previous ? previous : ""))
                return hv_err_set(err, -EBADMSG, "the receipt lacks task, state, key or previous");
        return 0;
}

int hv_receipt_check(const char *text, size_t len, const char *key, struct hv_receipt_checked *ret,
                     struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *body = NULL;
        unsigned char wanted[HV_RECEIPT_KEY_SIZE];
        struct hv_receipt_checked found = {};
        struct parts p;
        int r;

        if (key && !hv_receipt_hex_decode(key, wanted, sizeof wanted))
                return hv_err_set(err, -EINVAL,
                                  "a key is 64 lower-case hex digits, as `hivectl receipt key` shows it");
        if (len && text[len - 1] == '\n')
                len--;
        r = cut(text, len, &p, err);
        if (r >= 0 && hv_json_parse(p.body, p.len, TEXT_MAX, &body, err) < 0)
                r = hv_err_prefix(err, -EBADMSG, "this is not a receipt");
        if (r >= 0)
                r = check_form(&p, body, err);
        if (r >= 0)
                r = read_body(body, &found, err);
        if (r >= 0)
                r = check_signature(&p, found.key, err);
        if (r >= 0 && key && !hv_streq(key, found.key))
                r = hv_err_set(err, -EKEYREJECTED, "signed with another key: %s, expected %s", found.key,
                               key);
        if (r < 0)
                return r;
        hv_sha256_hex(text, len, found.sha256);
        *ret = found;
        return 0;
}

int hv_receipt_check_next(const struct hv_receipt_checked *before, const struct hv_receipt_checked *next,
                          struct hv_err *err) {
        if (!before)
                return 0;
        if (!hv_streq(before->key, next->key))
                return hv_err_set(err, -EKEYREJECTED,
                                  "signed with another key than the receipt before it: %s, not %s", next->key,
                                  before->key);
        if (!hv_streq(before->sha256, next->previous))
                return hv_err_set(
                        err, -EPROTO,
                        "does not follow the receipt before it (task %s, hash %s): it follows %s; one or more "
                        "are missing, or their order is another",
                        before->task, before->sha256, *next->previous ? next->previous : "none");
        return 0;
}
