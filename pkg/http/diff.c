#include "http/diff.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/sha256.h"
#include "http/render_spec.h"
#include "json/write.h"

#define DIGEST_SHOWN 8

/* Everything of an object that a plan could see, as a short digest. */
static void fingerprint(const struct hv_api_snapshot *s, const struct hv_view_item *item,
                        char ret[DIGEST_SHOWN + 1]) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };
        char hex[HV_SHA256_HEX_SIZE];

        hv_render_spec(&w, NULL, s, item, true);
        for (size_t i = 0; i < item->n_units; i++)
                hv_buf_puts(&buf, item->units[i]->digest);
        if (item->network)
                hv_buf_puts(&buf, item->network->digest);
        if (item->volume)
                hv_buf_puts(&buf, item->volume->digest);
        hv_sha256_hex(buf.data, buf.len, hex);
        memcpy(ret, hex, DIGEST_SHOWN);
        ret[DIGEST_SHOWN] = '\0';
}

struct side {
        struct hv_status nothing_seen;
        struct hv_api_snapshot snapshot;
};

static const struct hv_api_snapshot *side_of(struct side *side, const struct hv_desired *d) {
        memset(side, 0, sizeof *side);
        side->nothing_seen.active_revision = "";
        side->snapshot.status = &side->nothing_seen;
        side->snapshot.desired = d;
        return &side->snapshot;
}

const char *hv_diff_type_name(enum hv_diff_type type) {
        static const char *const names[] = {
                [HV_DIFF_ADDED] = "added",
                [HV_DIFF_CHANGED] = "changed",
                [HV_DIFF_REMOVED] = "removed",
        };

        return names[type];
}

const struct hv_diff *hv_diff_compute(struct hv_arena *a, const struct hv_desired *before,
                                      const struct hv_desired *after, size_t *ret_n) {
        struct side before_side, after_side;
        const struct hv_api_snapshot *old = side_of(&before_side, before), *new = side_of(&after_side, after);
        size_t n = 0, n_max = 0;
        struct hv_diff *v;

        for (int kind = HV_KIND_SERVICE; kind < HV_N_KINDS; kind++) {
                size_t n_old, n_new;

                (void) hv_view_list(a, old, (enum hv_kind) kind, &n_old);
                (void) hv_view_list(a, new, (enum hv_kind) kind, &n_new);
                n_max += n_old + n_new;
        }
        v = HV_ARENA_NEW_N(a, struct hv_diff, n_max);
        for (int kind = HV_KIND_SERVICE; kind < HV_N_KINDS; kind++) {
                size_t n_old, n_new, i = 0, j = 0;
                const struct hv_view_item *o = hv_view_list(a, old, (enum hv_kind) kind, &n_old);
                const struct hv_view_item *w = hv_view_list(a, new, (enum hv_kind) kind, &n_new);

                while (i < n_old || j < n_new) {
                        int order = i == n_old ? 1 : j == n_new ? -1 : strcmp(o[i].name, w[j].name);
                        char x[DIGEST_SHOWN + 1], y[DIGEST_SHOWN + 1];

                        if (order < 0)
                                v[n++] =
                                        (struct hv_diff){ HV_DIFF_REMOVED, (enum hv_kind) kind, o[i++].name };
                        else if (order > 0)
                                v[n++] = (struct hv_diff){ HV_DIFF_ADDED, (enum hv_kind) kind, w[j++].name };
                        else {
                                fingerprint(old, &o[i++], x);
                                fingerprint(new, &w[j], y);
                                if (strcmp(x, y) != 0)
                                        v[n++] = (struct hv_diff){ HV_DIFF_CHANGED, (enum hv_kind) kind,
                                                                   w[j].name };
                                j++;
                        }
                }
        }
        *ret_n = n;
        return v;
}

const char *hv_diff_outline(struct hv_arena *a, const struct hv_desired *d) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        struct side side;
        const struct hv_api_snapshot *s = side_of(&side, d);

        for (int kind = HV_KIND_SERVICE; kind < HV_N_KINDS; kind++) {
                size_t n;
                const struct hv_view_item *items = hv_view_list(a, s, (enum hv_kind) kind, &n);

                for (size_t i = 0; i < n; i++) {
                        char digest[DIGEST_SHOWN + 1];

                        fingerprint(s, &items[i], digest);
                        hv_buf_printf(&buf, "%s/%s", hv_kind_label((enum hv_kind) kind), items[i].name);
                        if (items[i].n_units > 0)
                                hv_buf_printf(&buf, " %s x%zu", items[i].units[0]->image, items[i].n_units);
                        if (items[i].acted_on)
                                hv_buf_printf(&buf, " %s", digest);
                        hv_buf_putc(&buf, '\n');
                }
        }
        return hv_arena_strdup(a, hv_buf_str(&buf));
}
