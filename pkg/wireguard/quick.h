/* wireguard/quick.h - wg-quick's files, as the documents' own struct.
 *
 *      [Interface]                          struct hv_spec_wireguard    what a document would say
 *      PrivateKey = ...          -->        keys                        apart, as secrets
 *      [Peer] ...                           notes                       what has no counterpart here, by line
 *
 * Model    Nothing is run and nothing looked up. The struct is what hv_wg_want() takes, and what `hivectl convert` writes as YAML.
 *          Keys go straight from the text into secrets: no arena, no error and no note holds one.
 * Rules    Keys and sections in any case, `#` begins a comment, lists are comma separated and add up over several lines, as wg(8) and
 *          wg-quick(8) read them. An address without a length is one host. Peers have no names there: they are peer-1, peer-2, ...
 * Source   wg(8) "CONFIGURATION FILE FORMAT"; wg-quick(8) "CONFIGURATION"; config.c of wireguard-tools 1.0.20210914.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/vec.h"
#include "spec/types.h"

#define HV_WG_QUICK_MAX_BYTES (1U << 20)

struct hv_wg_quick_note {
        unsigned line;
        const char *text; /* in the arena: "DNS = 8.8.8.8 is not set: ..." */
};

struct hv_wg_quick {
        struct hv_arena *arena;
        struct hv_spec_wireguard spec;
        struct hv_secret *private_key;        /* base64, as a file would hold it */
        HV_VEC(struct hv_secret *) preshared; /* one a peer; NULL: it has none */
        HV_VEC(struct hv_wg_quick_note) notes;
};

/* `name` is that of the interface. -EINVAL: "line 7: ...", with what was found (unless it is a key) and expected. *ret is written only
 * on success. */
int hv_wg_quick_read(const char *text, size_t len, const char *name, struct hv_wg_quick *ret,
                     struct hv_err *err);
void hv_wg_quick_done(struct hv_wg_quick *q);

/* Gives the secrets to hv_wg_want(): its userdata is the struct. */
const struct hv_secret *hv_wg_quick_preshared(void *quick, const struct hv_spec_peer *peer);
