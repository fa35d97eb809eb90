/* spec/check_image.c - may the image run here (E0342, E0343), and will it ever be updated (W021)? */
#include <errno.h>

#include "base/text.h"
#include "spec/check_internal.h"
#include "spec/value_image.h"

static bool is_allowed(const struct hv_spec_policy_images *policy, const struct hv_image_ref *ref) {
        const struct hv_strv *allow = &policy->allow;

        if (!hv_node_get(policy->node, "allow"))
                return true; /* no list is no limit; an empty list allows nothing */
        for (size_t i = 0; i < allow->n; i++)
                if (hv_image_pattern_matches(allow->v[i], ref))
                        return true;
        return false;
}

/* False when the text is no reference at all, which check_format.c has said. */
static bool check_policy(const struct hv_check *c, const struct hv_node *at, const char *text,
                         struct hv_image_ref *ret) {
        if (!text || hv_value_image(text, c->arena, ret, NULL) < 0)
                return false;
        if (!is_allowed(&c->policy->images, ret))
                hv_diag_error(c->diags, at, "E0342", "%s matches none of node.policy.images.allow (%s)",
                              hv_diag_quote(c->diags, text),
                              hv_diag_where(c->diags, hv_node_get(c->policy->images.node, "allow"), at));
        if (c->policy->images.require_digest && !ret->digest)
                hv_diag_error(c->diags, at, "E0343", "needs @sha256:... (node.policy.images.requireDigest)");
        return true;
}

static void check_latest(const struct hv_check *c, const struct hv_check_unit *u, const struct hv_node *at,
                         const struct hv_image_ref *ref) {
        if (ref->digest || !hv_streq(ref->tag, "latest") || u->pull_policy != HV_PULL_MISSING)
                return;
        if (u->service && u->service->auto_update.policy != HV_AUTO_UPDATE_NONE)
                return;
        hv_diag_warn(c->diags, at, "W021", "\"latest\" will not be updated; set %spullPolicy: always",
                     u->service ? "autoUpdate or " : "");
}

void hv_check_images(const struct hv_check *c) {
        const struct hv_spec_task_defaults *defaults = &c->state->task_defaults;
        struct hv_image_ref ref;

        for (size_t i = 0; i < c->n_units; i++) {
                const struct hv_node *at = hv_check_field(c->units[i].node, "image");

                if (check_policy(c, at, c->units[i].image, &ref))
                        check_latest(c, &c->units[i], at, &ref);
        }
        if (c->one)
                return;
        if (hv_node_get(defaults->node, "image"))
                (void) check_policy(c, hv_node_get(defaults->node, "image"), defaults->image, &ref);
        for (size_t i = 0; i < c->state->images.preload.n; i++) {
                const struct hv_spec_image *image = &c->state->images.preload.v[i];

                (void) check_policy(c, hv_check_field(image->o.node, "ref"), image->ref, &ref);
        }
}

int hv_spec_check_image(const struct hv_spec_tree *tree, const char *text, struct hv_arena *arena,
                        struct hv_image_ref *ret, struct hv_err *err) {
        const struct hv_spec_policy_images *policy = &tree->state.host.policy.images;
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_fault fault = {};

        if (hv_value_image(text, arena, ret, &fault) < 0)
                return hv_err_set(err, -EINVAL, "%s", fault.message);
        if (!is_allowed(policy, ret))
                return hv_err_set(err, -EPERM, "%s matches none of node.policy.images.allow",
                                  hv_text_quote(text, quoted));
        if (policy->require_digest && !ret->digest)
                return hv_err_set(err, -EPERM, "%s needs @sha256:... (node.policy.images.requireDigest)",
                                  hv_text_quote(text, quoted));
        return 0;
}
