/* agent/join_store.h - what VPN services gave this node, kept. Private to pkg/agent.
 *
 *      <state>/joins/wg-<interface>   0600, in a folder 0700; replaced as a whole, with its own SHA-256 (source/sealed.h)
 *
 *              hivelet join 1
 *              url https://pool.example.org/api/vpn/join       whom it was asked of, and as whom
 *              client berlin
 *              given berlin_1732300000                         what the service calls this node; not always
 *              at 2026-11-22T12:00:00Z
 *                                                              an empty line, and the configuration as it was sent
 *
 * Model    Read the first time somebody asks, and judged by the rules of an answer. A file stays when its interface leaves the
 *          desired state: a declaration that comes back finds its identity again. Nothing here removes one.
 * Errors   a file that is damaged, or that this version does not take, is a join with `damage`: nothing is joined anew in its place, for
 *          the service would give another identity; the operator removes the file.
 */
#pragma once

#include "base/err.h"
#include "wireguard/join.h"

struct hv_join_store;

struct hv_join {
        char *interface, *url, *client_name;
        struct hv_wg_quick config; /* with the keys */
        struct hv_err damage;      /* code 0: it is good */
};

struct hv_join_store *hv_join_store_new(
        const char *state_dir); /* NULL: HV_AGENT_STATE_DIR; touches nothing */
struct hv_join_store *hv_join_store_free(struct hv_join_store *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_join_store, hv_join_store_free);

const struct hv_join *hv_join_store_get(
        struct hv_join_store *s, const char *interface); /* NULL: none; good until the next put or look */
/* The same; what was damaged is read anew. */
const struct hv_join *hv_join_store_look(struct hv_join_store *s, const char *interface);

/* Durable when it returns 0; takes what `joined` holds. On failure the one before stays. */
int hv_join_store_put(struct hv_join_store *s, const char *interface, const char *url,
                      const char *client_name, struct hv_wg_join *joined, uint64_t now_wall_us,
                      struct hv_err *err);

/* A key of the join: the interface's own with peer NULL, else the one shared with that peer; NULL: there is none. */
const struct hv_secret *hv_join_key(const struct hv_join *j, const struct hv_spec_peer *peer);
