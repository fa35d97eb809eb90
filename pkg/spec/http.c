#include "spec/http.h"

#include "spec/node.h"

bool hv_spec_needs_login(const struct hv_spec_http *h) {
        if (hv_node_get(h->auth.node, "required"))
                return h->auth.required;
        return h->auth.users_file || h->auth.token_file;
}

void hv_spec_http_settle(const struct hv_spec_http *h, struct hv_arena *arena, struct hv_http_settings *ret) {
        static const char *const themes[] = { [HV_UI_LIGHT] = "light", [HV_UI_DARK] = "dark" };
        size_t n = h->auth.groups.n;
        struct hv_http_group *groups = HV_ARENA_NEW_N(arena, struct hv_http_group, n + 1);

        for (size_t i = 0; i < n; i++)
                groups[i] = (struct hv_http_group){ h->auth.groups.v[i].group,
                                                    HV_HTTP_VIEWER + h->auth.groups.v[i].role };
        *ret = (struct hv_http_settings){
                .needs_login = hv_spec_needs_login(h),
                .metrics_are_open = hv_node_get(h->metrics.node, "auth") && !h->metrics.auth,
                .users_file = h->auth.users_file,
                .token_file = h->auth.token_file,
                .session_us = h->auth.session_timeout_us,
                .pool_role = (enum hv_http_who) h->auth.pool_role,
                .groups = groups,
                .n_groups = n,
                .cert_file = h->tls.cert_file,
                .key_file = h->tls.key_file,
                .connections_max = (unsigned) h->limits.connections,
                .connections_per_address_max = (unsigned) h->limits.connections_per_address,
                .streams_max = (unsigned) h->limits.streams,
                .pages_are_off = !h->ui.enabled,
                .page_theme = themes[h->ui.theme],
        };
}
