/* wireguard/uapi_text.h - the text that WireGuard in user space speaks on its socket.
 *
 * Source   "Cross-Platform Userspace Implementation" on wireguard.com (xplatform), and wireguard-go 0.0.20220316 where that says
 *          nothing: `get=1` or `set=1`, lines key=value, an empty line at the end; the answer ends with errno=N and an empty line.
 *          Keys are 64 lower-case hex digits; 64 zeros mean none. A `set` is not atomic: the lines before a failing one stay.
 * Model    Pure. What was written and read holds keys: whoever holds it ends it with hv_wg_text_done(), which zeroes.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "wireguard/diff.h"

#define HV_WG_ANSWER_MAX_BYTES (16U << 20) /* 1,000 peers take 0.4 MiB */

struct hv_wg_text {
        char *data; /* terminated */
        size_t len, cap;
};

void hv_wg_text_done(struct hv_wg_text *t); /* zeroes and frees; leaves it usable */
void hv_wg_text_add(struct hv_wg_text *t, const void *data,
                    size_t n); /* what it grew out of is zeroed, too */

void hv_wg_uapi_get(struct hv_wg_text *ret);
/* Of steps that are DEVICE_SET, PEER_SET, NETWORKS_DROP and PEER_REMOVE; others are left out. */
void hv_wg_uapi_set(const struct hv_wg_step *steps, size_t n, struct hv_wg_text *ret);

/* True when the text ends as an answer does. */
bool hv_wg_uapi_is_complete(const char *text, size_t len);

/* The answer to either. Works in place: the text is not one afterwards. Device and peers go into *into (NULL: a `set` was asked).
 * -errno of the answer, with a text; -EBADMSG for what is no answer. */
int hv_wg_uapi_parse(char *text, size_t len, struct hv_wg_interface *into, struct hv_err *err);
