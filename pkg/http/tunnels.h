/* http/tunnels.h - what the API asks of the agent about WireGuard interfaces, beside how they are (http/snapshot.h).
 *
 * Model    Both take time and end later, once, with their _done(), also from inside the function that was asked.
 */
#pragma once

#include "base/err.h"

struct hv_api_call;

enum hv_api_rotation {
        HV_API_ROTATE,
        HV_API_ROTATE_PREPARE, /* the next key is made and told, and not used yet */
        HV_API_ROTATE_UNDO,    /* back to the key of before */
};

/* All borrowed for the length of the call; public keys in base64. */
struct hv_api_rotated {
        const struct hv_err
                *err; /* not NULL: it was not; -ENOENT no such interface, -EOPNOTSUPP not of this key */
        const char *public_key; /* in use from now on; of PREPARE: will be */
        const char *before;     /* in use until now; NULL: not known */
};
void hv_api_rotate_done(struct hv_api_call *call, const struct hv_api_rotated *result);

enum hv_api_answer {
        HV_API_ANSWER_ECHO,      /* what is behind the peer answered */
        HV_API_ANSWER_HANDSHAKE, /* the peer itself did, what is behind it did not */
        HV_API_ANSWER_NONE,
};

struct hv_api_pinged {
        const char *peer, *public_key; /* peer: as it is declared */
        const char *address;           /* that was asked; NULL: the peer has none that could be */
        const char *endpoint;          /* NULL: not known */
        enum hv_api_answer answer;
        uint64_t took_us;           /* ECHO */
        uint64_t handshake_wall_us; /* 0: never */
        const char *message;        /* what keeps it from an ECHO; "" */
};

struct hv_api_ping {
        const struct hv_err *err; /* not NULL: nobody was asked; the rest is ignored */
        const struct hv_api_pinged *peers;
        size_t n_peers;
};
void hv_api_ping_done(struct hv_api_call *call, const struct hv_api_ping *result);
