/* pool/hivemind.c - dialect hivemind: the pool calls the node; see hivemind.h. */
#include "pool/hivemind.h"

#include <errno.h>
#include <time.h>

#include "base/alloc.h"
#include "log/log.h"
#include "pool/hivemind_token.h"
#include "rpc/credentials.h"

#define TOKEN_MAX 8192                        /* bytes: what fits into a header */
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

/* --- login --- */

static bool is_token(const char *token) {
        size_t len = strlen(token);

        if (len == 0 || len > TOKEN_MAX)
                return false;
        for (size_t i = 0; i < len; i++)
                if (token[i] <= ' ' || token[i] > '~')
                        return false;
        return true;
}

static uint64_t wall_us(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * HV_USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

static void on_login(struct hv_pool_peer *p, const struct hivemind_caller *caller, struct hv_answer *a,
                     const ProtobufCMessage *message) {
        const Hivemind__LoginResponse *m = (const Hivemind__LoginResponse *) message;
        char shown[HV_RPC_TEXT_SIZE];
        _hv_cleanup_free_ char *why = NULL;

        if (a->outcome == HV_POOL_OUTCOME_OK && !m->success) {
                why = hv_asprintf("Login: the pool says: %s",
                                  hv_rpc_status_text(m->message, strlen(m->message), shown));
                a->outcome = HV_POOL_OUTCOME_REFUSED;
                a->message = why;
        } else if (a->outcome == HV_POOL_OUTCOME_OK && !is_token(m->token)) {
                a->outcome = HV_POOL_OUTCOME_AGAIN;
                a->message = "Login: the pool gave no token";
        } else if (a->outcome == HV_POOL_OUTCOME_OK) {
                hv_secret_free(p->token);
                p->token = hv_secret_new(m->token, strlen(m->token));
                a->renew_us = hivemind_token_half_life_us(m->token, wall_us());
        } else if (a->outcome == HV_POOL_OUTCOME_RELOGIN) {
                a->outcome = HV_POOL_OUTCOME_REFUSED;
        }
        caller->done(caller->data, a);
}

static void login(struct hv_pool_peer *p, hv_answer_fn *done, void *done_data) {
        const struct hv_pool_options *o = p->with.options;
        Hivemind__LoginRequest m = HIVEMIND__LOGIN_REQUEST__INIT;

        m.username = (char *) o->username;
        m.password = o->password ? (char *) hv_secret_bytes(o->password) : (char *) "";
        hivemind_call_start(p,
                            &(struct hivemind_request){ .method = "UserService/Login",
                                                        .message = &m.base,
                                                        .reply = &hivemind__login_response__descriptor,
                                                        .has_no_token = true },
                            on_login, &(struct hivemind_caller){ .done = done, .data = done_data });
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

static int reload_credentials(struct hv_pool_peer *p, struct hv_err *err) {
        (void) p; /* there are no certificates in plain text */
        (void) err;
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
        .reload_credentials = reload_credentials,
        .connect = connect_now,
        .login = login,
        .enrol = hivemind_enrol,
        .beat = hivemind_beat,
        .receive = receive,
        .put_log = hivemind_put_log,
        .put_result = hivemind_put_result,
};
