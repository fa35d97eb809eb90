/* agent/joins.c - see joins.h. */
#include "agent/joins.h"

#include <errno.h>

#include "agent/join_fit.h"
#include "agent/join_store.h"
#include "agent/tunnels.h"
#include "base/rfc3339.h"
#include "base/rng.h"
#include "log/log.h"
#include "transfer/transfer.h"

#define DEADLINE_US (15 * HV_USEC_PER_SEC) /* the documented worker's */

/* The service, or the way to it, may be well again any moment. */
static const struct hv_backoff_spec failed_backoff = {
        .initial_us = 2 * HV_USEC_PER_SEC,
        .factor_milli = 2000,
        .max_us = 5 * HV_USEC_PER_MIN,
};
/* Somebody has to do something first; and each answer that cannot be taken is one more client that the service believes in. */
static const struct hv_backoff_spec refused_backoff = {
        .initial_us = HV_USEC_PER_MIN,
        .factor_milli = 2000,
        .max_us = HV_USEC_PER_HOUR,
};

struct asking {
        struct hv_agent *agent;
        char *interface, *url, *client_name, *ca_file; /* ca_file: NULL is the system's */
        struct hv_request *request;                    /* NULL: it waits for the timer */
        struct hv_buf body;                            /* of the answer: it holds a key */
        sd_event_source *timer;
        struct hv_backoff backoff;
        uint64_t pause_until_us; /* the service asked for it */
        enum hv_reason reason;
        char *word; /* why there is nothing yet */
        bool wanted;
};

struct hv_agent_joins {
        struct hv_transfer *transfer;
        struct hv_rng rng;
        HV_VEC(struct asking *) asking;
};

static struct asking *find(const struct hv_agent_joins *j, const char *interface) {
        for (size_t i = 0; j && i < j->asking.n; i++)
                if (hv_streq(j->asking.v[i]->interface, interface))
                        return j->asking.v[i];
        return NULL;
}

static void asking_free(struct asking *k) {
        hv_request_cancel(k->request);
        sd_event_source_disable_unref(k->timer);
        hv_buf_wipe(&k->body);
        free(k->interface);
        free(k->url);
        free(k->client_name);
        free(k->ca_file);
        free(k->word);
        free(k);
}

static void drop(struct hv_agent_joins *j, const struct asking *k) {
        size_t n = 0;

        for (size_t i = 0; i < j->asking.n; i++)
                if (j->asking.v[i] == k)
                        asking_free(j->asking.v[i]);
                else
                        j->asking.v[n++] = j->asking.v[i];
        j->asking.n = n;
}

/* Scheme, host and port: a path may hold what is nobody else's business. */
static int origin_len(const char *url) {
        const char *host = strstr(url, "://");

        return (int) (host ? (size_t) (host - url) + 3 + strcspn(host + 3, "/?") : strlen(url));
}

/* ---- telling ---- */

static void say(struct asking *k, enum hv_reason reason, char *word) {
        free(k->word);
        k->word = word;
        k->reason = reason;
        hv_agent_tunnels_told(k->agent, k->interface);
}

const char *hv_agent_join_word(const struct hv_agent *a, const struct hv_spec_wireguard *w,
                               enum hv_reason *ret_reason) {
        const struct hv_join *kept = hv_join_store_get(a->join_store, w->o.name);
        const struct asking *k = find(a->joins, w->o.name);

        *ret_reason = HV_REASON_JOIN_FAILED;
        if (kept && kept->damage.code < 0)
                return kept->damage.msg;
        if (k) {
                *ret_reason = k->reason;
                return k->word;
        }
        if (kept && w->is_joined)
                return NULL;
        *ret_reason = HV_REASON_PENDING;
        return "what its VPN service gave comes into force";
}

/* ---- asking ---- */

static void ask(struct asking *k);

static int on_timer(sd_event_source *s, uint64_t at_us, void *userdata) {
        (void) s;
        (void) at_us;
        ask(userdata);
        return 0;
}

static void ask_later(struct asking *k, const struct hv_backoff_spec *backoff, uint64_t pause_us,
                      const struct hv_err *err) {
        uint64_t now_us = hv_agent_now_us(), wait_us;
        char at[HV_RFC3339_SIZE];
        int r;

        hv_backoff_failed(&k->backoff, backoff, now_us);
        wait_us = k->backoff.not_before_us - now_us;
        wait_us = HV_MAX(wait_us, pause_us) + hv_rng_below(&k->agent->joins->rng, wait_us / 4);
        k->pause_until_us = pause_us ? now_us + pause_us : 0;
        k->timer = sd_event_source_disable_unref(k->timer);
        r = sd_event_add_time_relative(k->agent->event, &k->timer, CLOCK_BOOTTIME, wait_us, 0, on_timer, k);
        if (r < 0)
                (void) hv_log_error(r, "interface %s: its VPN service cannot be asked again later: %s",
                                    k->interface, strerror(-r));
        hv_rfc3339_format((hv_agent_wall_us() + wait_us) / HV_USEC_PER_SEC * HV_USEC_PER_SEC, at);
        say(k, HV_REASON_JOIN_FAILED,
            hv_asprintf("%.*s: %s; asked again at %s, or at once after hivectl apply", origin_len(k->url),
                        k->url, err->msg, at));
}

/* Checked, kept, and in force with the next pass. Ends the asking. */
static int take(struct asking *k, struct hv_wg_join *joined, struct hv_err *err) {
        struct hv_agent *a = k->agent;
        struct hv_spec_wireguard *given = &joined->quick.spec;
        const char *address = given->addresses.v[0];
        int r = hv_agent_join_fits(a->active->desired->tree, k->interface, given, err);

        if (r < 0)
                return hv_err_prefix(err, r, "what the service gave does not fit this node");
        hv_log_notice("interface %s: %.*s gave it %s and %zu peers, asked once as %s", k->interface,
                      origin_len(k->url), k->url, address, given->peers.n, k->client_name);
        r = hv_join_store_put(a->join_store, k->interface, k->url, k->client_name, joined, hv_agent_wall_us(),
                              err);
        if (r < 0)
                return hv_err_prefix(err, r, "what the service gave cannot be kept");
        drop(a->joins, k);
        hv_agent_joined(a);
        return 0;
}

static void on_answer(struct asking *k, const struct hv_reply *reply) {
        const struct hv_wg_join_answer answer = {
                .status = reply->status,
                .retry_after = hv_reply_header(reply, "Retry-After"),
                .location = hv_reply_header(reply, "Location"),
                .body = k->body.len ? hv_buf_str(&k->body) : reply->body,
                .body_len = k->body.len ? k->body.len : reply->body_len,
        };
        struct hv_wg_join joined;
        struct hv_err err = {};
        enum hv_wg_join_end end = hv_wg_join_read(&answer, k->interface, &joined, &err);
        uint64_t pause_us = joined.pause_us;

        hv_buf_wipe(&k->body);
        if (end == HV_WG_JOIN_GIVEN && take(k, &joined, &err) >= 0)
                return;
        hv_wg_join_done(&joined);
        ask_later(k, end == HV_WG_JOIN_FAILED ? &failed_backoff : &refused_backoff, pause_us, &err);
}

/* Without the URL, of which only the origin is shown. */
static const char *fault_of(const struct asking *k, const struct hv_reply *reply) {
        size_t len = strlen(k->url);

        return hv_has_prefix(reply->message, k->url) && hv_has_prefix(reply->message + len, ": ")
                       ? reply->message + len + 2
                       : reply->message;
}

static void on_done(void *userdata, const struct hv_reply *reply) {
        struct asking *k = userdata;
        struct hv_err err = {};

        k->request = NULL;
        if (reply->end == HV_TRANSFER_DONE) {
                on_answer(k, reply);
                return;
        }
        hv_buf_wipe(&k->body);
        if (reply->end == HV_TRANSFER_ABORTED || reply->end == HV_TRANSFER_TOO_BIG)
                (void) hv_err_set(&err, -EFBIG, "the answer is above %u bytes", HV_WG_JOIN_ANSWER_BYTES);
        else
                (void) hv_err_set(
                        &err, reply->error, "%s%s", fault_of(k, reply),
                        reply->sent
                                ? "; the service may have let this node in all the same, and then knows it twice"
                                : "");
        ask_later(k, err.code == -EFBIG ? &refused_backoff : &failed_backoff, 0, &err);
}

static int on_data(void *userdata, const char *data, size_t len) {
        struct asking *k = userdata;

        if (k->body.len + len > HV_WG_JOIN_ANSWER_BYTES)
                return -EFBIG;
        hv_buf_add(&k->body, data, len);
        return 0;
}

static void ask(struct asking *k) {
        _hv_cleanup_(hv_buf_done) struct hv_buf question = {};
        struct hv_request_options o = { .method = HV_METHOD_POST,
                                        .lane = HV_LANE_CALLS,
                                        .url = k->url,
                                        .content_type = "application/json",
                                        .timeout_us = DEADLINE_US,
                                        .max_body_bytes = HV_WG_JOIN_ANSWER_BYTES,
                                        .ca_file = k->ca_file,
                                        .on_data = on_data,
                                        .on_done = on_done,
                                        .userdata = k };
        struct hv_err err = {};

        hv_wg_join_ask(k->client_name, &question);
        o.body = question.data;
        o.body_len = question.len;
        hv_buf_reserve(&k->body, HV_WG_JOIN_ANSWER_BYTES);
        k->timer = sd_event_source_disable_unref(k->timer);
        if (!k->word)
                say(k, HV_REASON_PENDING,
                    hv_asprintf("asks %.*s to let it in as %s", origin_len(k->url), k->url, k->client_name));
        if (hv_transfer_start(k->agent->joins->transfer, &o, &k->request, &err) < 0)
                ask_later(k, &refused_backoff, 0, &err);
}

/* ---- following ---- */

static bool is_kept(struct hv_agent *a, const char *interface, const char *url, const char *client_name) {
        const struct hv_join *j = hv_join_store_get(a->join_store, interface);

        return j && (j->damage.code < 0 || (hv_streq(j->url, url) && hv_streq(j->client_name, client_name)));
}

static void want(struct hv_agent *a, const struct hv_spec_wireguard *w, const char *client_name) {
        struct asking *k = find(a->joins, w->o.name);

        if (k && hv_streq(k->url, w->join.url) && hv_streq(k->client_name, client_name) &&
            hv_streq(k->ca_file, w->join.ca_file)) {
                k->wanted = true;
                /* Somebody may just have mended what was wrong. */
                if (!k->request && hv_agent_now_us() >= k->pause_until_us)
                        ask(k);
                return;
        }
        k = HV_NEW(struct asking);
        k->agent = a;
        k->interface = hv_strdup(w->o.name);
        k->url = hv_strdup(w->join.url);
        k->client_name = hv_strdup(client_name);
        k->ca_file = hv_strdup(w->join.ca_file);
        k->wanted = true;
        hv_vec_push(&a->joins->asking, k);
        ask(k);
}

static bool begin(struct hv_agent *a) {
        struct hv_err err = {};

        if (a->joins)
                return true;
        a->joins = HV_NEW(struct hv_agent_joins);
        a->joins->rng.state = a->started_wall_us ^ (uint64_t) (uintptr_t) a;
        if (hv_transfer_new(a->event, NULL, &a->joins->transfer, &err) >= 0)
                return true;
        (void) hv_log_error(err.code, "no VPN service can be asked: %s", err.msg);
        hv_agent_joins_end(a);
        return false;
}

static void follow(struct hv_agent *a, const struct hv_desired *d) {
        struct hv_agent_joins *j = a->joins;

        for (size_t i = 0; i < j->asking.n; i++)
                j->asking.v[i]->wanted = false;
        for (size_t i = 0; i < d->n_tunnels; i++) {
                const struct hv_spec_wireguard *w = d->tunnels[i].spec;
                const char *client_name = w->join.client_name ? w->join.client_name : d->settings.node_id;

                if (w->join.url && !is_kept(a, w->o.name, w->join.url, client_name))
                        want(a, w, client_name);
        }
        for (size_t i = j->asking.n; i > 0; i--)
                if (!j->asking.v[i - 1]->wanted)
                        drop(j, j->asking.v[i - 1]);
}

void hv_agent_joins_follow(struct hv_agent *a, const struct hv_desired *d) {
        bool any = a->joins != NULL;

        for (size_t i = 0; i < d->n_tunnels; i++)
                any = any || d->tunnels[i].spec->join.url;
        if (any && begin(a))
                follow(a, d);
}

void hv_agent_joins_end(struct hv_agent *a) {
        struct hv_agent_joins *j = a->joins;

        if (!j)
                return;
        a->joins = NULL;
        for (size_t i = 0; i < j->asking.n; i++)
                asking_free(j->asking.v[i]);
        hv_vec_done(&j->asking);
        hv_transfer_free(j->transfer);
        free(j);
}
