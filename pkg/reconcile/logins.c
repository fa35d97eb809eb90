/* reconcile/logins.c - see logins.h. */
#include "reconcile/logins.h"

#include "spec/types.h"

static bool same_mirrors(const struct hv_strv *a, const struct hv_strv *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (!hv_streq(a->v[i], b->v[i]))
                        return false;
        return true;
}

static bool same_registries(const struct hv_desired *a, const struct hv_desired *b) {
        if (a->n_registries != b->n_registries)
                return false;
        for (size_t i = 0; i < a->n_registries; i++) {
                const struct hv_registry *x = &a->registries[i], *y = &b->registries[i];

                if (!hv_streq(x->host, y->host) || !hv_streq(x->auth_secret, y->auth_secret) ||
                    !same_mirrors(&x->mirrors, &y->mirrors))
                        return false;
        }
        return true;
}

static bool same_secrets(const struct hv_desired *a, const struct hv_desired *b) {
        if (!a->tree || !b->tree)
                return a->tree == b->tree;
        if (a->tree->state.secrets.n != b->tree->state.secrets.n)
                return false;
        for (size_t i = 0; i < a->tree->state.secrets.n; i++) {
                const struct hv_spec_secret *x = &a->tree->state.secrets.v[i];
                const struct hv_spec_secret *y = &b->tree->state.secrets.v[i];

                if (!hv_streq(x->o.name, y->o.name) || !hv_streq(x->from_file, y->from_file) ||
                    !hv_streq(x->from_credential, y->from_credential) || x->generate != y->generate)
                        return false;
        }
        return true;
}

bool hv_logins_differ(const struct hv_desired *a, const struct hv_desired *b) {
        return !same_registries(a, b) || !same_secrets(a, b);
}

void hv_logins_try_again(struct hv_core *c) {
        struct image *i;
        size_t it = 0;

        while (hv_map_next(c->images, &it, NULL, (void **) &i))
                if (!i->effect && i->failure.type == HV_ACTION_PULL)
                        hv_failure_reset(&i->failure);
}
