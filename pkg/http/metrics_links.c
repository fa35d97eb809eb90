/* http/metrics_links.c - see metrics_links.h. */
#include "http/metrics_links.h"

#include "base/alloc.h"
#include "http/snapshot.h"

static void put_pool(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        const struct hv_api_pool *p = &s->pool;
        const struct {
                const char *name, *type, *help;
                uint64_t value;
        } rows[] = {
                { "hivelet_pool_up", "gauge", "Whether the node pool answers and knows this node.",
                  p->online },
                { "hivelet_pool_calls", "counter", "Calls to the node pool.", p->n_calls },
                { "hivelet_pool_failures", "counter", "Calls to the node pool that failed.", p->n_failures },
                { "hivelet_pool_assignments", "counter", "Tasks that the node pool assigned.",
                  p->n_assignments },
                { "hivelet_pool_refused", "counter", "Assignments that this node refused.", p->n_refused },
                { "hivelet_pool_delivered", "counter", "Results that the node pool has.", p->n_delivered },
                { "hivelet_outbox_results", "gauge", "Results that wait for the node pool.", p->n_owed },
                { "hivelet_outbox_bytes", "gauge", "Bytes of results that wait for the node pool.",
                  p->owed_bytes },
        };

        for (size_t i = 0; p->address && i < HV_ARRAY_SIZE(rows); i++) {
                bool counts = hv_streq(rows[i].type, "counter");
                _hv_cleanup_free_ char *name = hv_asprintf("%s%s", rows[i].name, counts ? "_total" : "");

                hv_exposition_family(e, rows[i].name, rows[i].type, rows[i].help);
                hv_exposition_uint(e, name, NULL, rows[i].value);
        }
        if (p->address && p->answered_us) {
                hv_exposition_family(e, "hivelet_pool_last_answer_timestamp_seconds", "gauge",
                                     "When the node pool answered last.");
                hv_exposition_us(e, "hivelet_pool_last_answer_timestamp_seconds", NULL,
                                 s->now_wall_us - (s->now_us - p->answered_us));
        }
        if (p->address && p->has_balance) {
                hv_exposition_family(
                        e, "hivelet_pool_balance", "gauge",
                        "Balance of this node's account at the node pool, in the pool's own unit.");
                hv_exposition_int(e, "hivelet_pool_balance", NULL, p->balance);
        }
}

static void put_tunnels(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        static const struct {
                const char *name, *type, *help;
        } families[] = {
                { "hivelet_wireguard_peer_handshake_seconds", "gauge",
                  "When a peer of a tunnel was last heard, as Unix time; 0: never." },
                { "hivelet_wireguard_peer_received_bytes", "counter",
                  "Bytes that came from a peer of a tunnel." },
                { "hivelet_wireguard_peer_sent_bytes", "counter", "Bytes that went to a peer of a tunnel." },
        };

        for (size_t f = 0; s->n_tunnels && f < HV_ARRAY_SIZE(families); f++) {
                _hv_cleanup_free_ char *name = hv_asprintf("%s%s", families[f].name, f > 0 ? "_total" : "");

                hv_exposition_family(e, families[f].name, families[f].type, families[f].help);
                for (size_t i = 0; i < s->n_tunnels; i++)
                        for (size_t k = 0; k < s->tunnels[i].n_peers; k++) {
                                const struct hv_api_peer *p = &s->tunnels[i].peers[k];
                                const struct hv_exposition_labels l = {
                                        { "interface", "peer" },
                                        { s->tunnels[i].name, p->name ? p->name : p->public_key }
                                };

                                if (f == 0)
                                        hv_exposition_us(e, name, &l, p->handshake_wall_us);
                                else
                                        hv_exposition_uint(e, name, &l, f == 1 ? p->rx_bytes : p->tx_bytes);
                        }
        }
}

void hv_metrics_links(struct hv_exposition *e, const struct hv_api_snapshot *s) {
        put_pool(e, s);
        put_tunnels(e, s);
}
