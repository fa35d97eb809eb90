/* spec/secret_users.c - see secret_users.h. */
#include "spec/secret_users.h"

#include "base/arena.h"
#include "base/vec.h"
#include "spec/kind.h"
#include "spec/schema.h"

struct search {
        const struct hv_spec_state *state;
        const char *secret;
        struct hv_arena *arena;
        HV_VEC(const char *) found;
};

static bool is_below(const struct hv_node *n, const struct hv_node *top) {
        for (; n; n = n->parent)
                if (n == top)
                        return true;
        return false;
}

#define OWNER_IN(kind_, list)                            \
        for (size_t i = 0; i < (list).n; i++)            \
                if (is_below(value, (list).v[i].o.node)) \
        return hv_arena_printf(s->arena, "%s/%s", hv_kind_label(kind_), (list).v[i].o.name)

static const char *owner_of(const struct search *s, const struct hv_node *value) {
        OWNER_IN(HV_KIND_SERVICE, s->state->services);
        OWNER_IN(HV_KIND_TASK, s->state->tasks);
        OWNER_IN(HV_KIND_CRONTASK, s->state->cron_tasks);
        OWNER_IN(HV_KIND_REGISTRY, s->state->registries);
        OWNER_IN(HV_KIND_WIREGUARD, s->state->wireguard);
        return hv_node_path(value, s->arena);
}

static void visit(void *userdata, const struct hv_schema *schema, const struct hv_field *f,
                  const struct hv_node *value, const void *object) {
        struct search *s = userdata;
        const char *owner;

        (void) schema;
        (void) object;
        if (f->format != HV_FORMAT_REF_SECRET || value->type != HV_NODE_SCALAR ||
            !hv_streq(value->text, s->secret))
                return;
        owner = owner_of(s, value);
        for (size_t i = 0; i < s->found.n; i++)
                if (hv_streq(s->found.v[i], owner))
                        return;
        hv_vec_push(&s->found, owner);
}

const char *const *hv_spec_secret_users(const struct hv_spec_tree *tree, const char *secret,
                                        struct hv_arena *arena) {
        struct search s = { .state = &tree->state, .secret = secret, .arena = arena };
        const char **ret;

        hv_schema_walk(hv_schema_of(HV_KIND_NODESTATE), &tree->state, visit, &s);
        ret = HV_ARENA_NEW_N(arena, const char *, s.found.n + 1);
        for (size_t i = 0; i < s.found.n; i++)
                ret[i] = s.found.v[i];
        hv_vec_done(&s.found);
        return ret;
}
