/* pool/hivemind.c - dialect hivemind: the pool calls the node; see hivemind.h. */
#include "pool/hivemind.h"

#include <errno.h>

#include "base/alloc.h"
#include "rpc/credentials.h"

#define LOGIN_EVERY_US (30 * HV_USEC_PER_MIN) /* half of the life of a token, where it does not say another */
#define REGISTER_EVERY_US (30 * HV_USEC_PER_SEC) /* SEEN: gives free at the pool what it has leaked */
#define BEAT_EVERY_US (8 * HV_USEC_PER_SEC)      /* between 5 and 10 s, as the deployed workers */

uint64_t hivemind_now_us(const struct hv_pool_peer *p) {
        uint64_t now = 0;

        (void) sd_event_now(p->with.options->event, CLOCK_BOOTTIME, &now);
        return now;
}

/* To the pool the node is the account that it logs in with. */
const char *hivemind_node_id(const struct hv_pool_peer *p) {
        return p->with.options->username ? p->with.options->username : p->with.options->node_id;
}

/* --- the whole --- */

static void receive(struct hv_pool_peer *p, bool on) {
        p->receives = on;
}

static void hivemind_close(struct hv_pool_peer *p) {
        if (!p)
                return;
        hivemind_serve_end(p);
        hivemind_delivery_end(p);
        hv_rpc_channel_free(p->channel);
        hivemind_calls_end(p);
        hv_rpc_credentials_free(p->plain);
        hv_secret_free(p->token);
        hv_map_free(p->tasks);
        free(p);
}

static int open_parts(struct hv_pool_peer *p, struct hv_err *err) {
        const struct hv_pool_options *o = p->with.options;
        _hv_cleanup_free_ char *agent = hv_asprintf("hivelet/%s", o->agent_version);
        int r;

        if (!o->insecure)
                return hv_err_set(err, -EINVAL,
                                  "the dialect hivemind knows plain text only: insecure is not set");
        p->plain = hv_rpc_credentials_new_insecure();
        r = hv_rpc_channel_new(p->with.rpc,
                               &(struct hv_rpc_channel_options){
                                       .target = o->address,
                                       .credentials = p->plain,
                                       .user_agent = agent,
                                       .reconnect_min_us = o->retry_initial_us,
                                       .reconnect_max_us = o->retry_max_us,
                               },
                               &p->channel, err);
        return r < 0 ? r : hivemind_serve(p, err);
}

static int hivemind_open(const struct hv_pool_opening *opening, struct hv_pool_peer **ret,
                         struct hv_err *err) {
        struct hv_pool_peer *p = HV_NEW(struct hv_pool_peer);
        int r;

        p->with = *opening;
        TAILQ_INIT(&p->calls);
        TAILQ_INIT(&p->offers);
        p->tasks = hv_map_new(free);
        p->opened_us = hivemind_now_us(p);
        r = open_parts(p, err);
        if (r < 0) {
                hivemind_close(p);
                return hv_err_prefix(err, r, "pool %s", opening->options->address);
        }
        *ret = p;
        return 0;
}

static void connect_now(struct hv_pool_peer *p) {
        hivemind_peers_look(p->peers);
        hv_rpc_channel_connect(p->channel);
}

const struct hv_pool_dialect hv_pool_hivemind = {
        .name = "hivemind",
        .login_every_us = LOGIN_EVERY_US,
        .register_every_us = REGISTER_EVERY_US,
        .beat_every_us = BEAT_EVERY_US,
        .shape = HV_POOL_SHAPE_WORKSPACE,
        .log_bytes = HIVEMIND_PIECE_BYTES,
        .log_lines = true,
        .open = hivemind_open,
        .close = hivemind_close,
        .reload_credentials = hivemind_serve_reload,
        .connect = connect_now,
        .login = hivemind_login,
        .vouch = hivemind_vouch,
        .enrol = hivemind_enrol,
        .beat = hivemind_beat,
        .receive = receive,
        .put_log = hivemind_put_log,
        .put_result = hivemind_put_result,
};
