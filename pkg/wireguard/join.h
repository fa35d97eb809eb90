/* wireguard/join.h - what a VPN service answers to a node that asks to be let in.
 *
 *      POST {"client_name": "berlin"}  -->  200 {"success": true, "config": "[Interface]...", "client_name": "berlin_1732300000"}
 *                                           429 {"error", "rate_limit_seconds"}    403 {"error"}    500 {"success": false, "error"}
 *
 * Model    Pure. An answer is given, or it is a sentence that says why not and how it goes on. The service is not trusted with more
 *          than an address in a private network and the key of this interface: commands, DNS and tables of the configuration
 *          are never acted on (quick.h), names of interfaces and files that it sends are not read.
 * Rules    of a configuration that is taken: at most HV_WG_JOIN_CONFIG_BYTES; one to four addresses, none twice, each a host in a
 *          private network (RFC 1918, RFC 6598, RFC 4193); one to eight peers, at least one with an endpoint, none with this
 *          node's own key; MTU as in documents. What its peers may use is cut down later (spec/join.h).
 * Source   the worker's documentation: its VPN service.
 */
#pragma once

#include "base/buf.h"
#include "wireguard/quick.h"

#define HV_WG_JOIN_ANSWER_BYTES (64U << 10)
#define HV_WG_JOIN_CONFIG_BYTES (16U << 10)

enum hv_wg_join_end {
        HV_WG_JOIN_GIVEN,
        HV_WG_JOIN_FAILED, /* may be over by itself: 5xx, 429, no answer */
        HV_WG_JOIN_REFUSED, /* somebody has to do something: 403, another address, an answer that cannot be taken */
};

struct hv_wg_join_answer {
        unsigned status;
        const char *retry_after, *location; /* headers; NULL: none */
        const char *body;
        size_t body_len;
};

struct hv_wg_join {
        struct hv_secret *config; /* as it was sent */
        struct hv_wg_quick quick; /* what it means */
        char *client_name;        /* what the service calls this node; NULL: it does not say */
        uint64_t pause_us;        /* that it asks for before the next question; 0: none */
};
void hv_wg_join_done(struct hv_wg_join *j);

/* The body of the request. */
void hv_wg_join_ask(const char *client_name, struct hv_buf *ret);

/* *ret: all of it with GIVEN, else only the pause; err says why not, and never holds a key. */
enum hv_wg_join_end hv_wg_join_read(const struct hv_wg_join_answer *answer, const char *interface,
                                    struct hv_wg_join *ret, struct hv_err *err);

/* A configuration by itself, by the rules above. -EINVAL; *ret is written only on success. */
int hv_wg_join_config(const char *text, size_t len, const char *interface, struct hv_wg_quick *ret,
                      struct hv_err *err);
