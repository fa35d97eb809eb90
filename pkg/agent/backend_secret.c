/* agent/backend_secret.c - secrets as people look at them and write them: never a value.
 *
 * Model    What is written over the API lies in <state>/secrets/NAME, where generated keys lie, too: the only place that the unit lets
 *          the agent write to and that nobody else reads. A document names it with fromFile. What a document has from elsewhere is
 *          written there, by whoever may.
 * Order    durable first, then read again with all sources: what is in force has it when the answer comes. */
#include <errno.h>

#include "agent/private.h"
#include "base/arena.h"
#include "log/log.h"
#include "spec/secret_users.h"
#include "spec/value_name.h"

static const char *path_of(const struct hv_agent *a, const char *name, struct hv_arena *arena) {
        return hv_arena_printf(arena, "%s/secrets/%s",
                               a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR, name);
}

/* Of what is in force, and of what the sources say now: either may need it. NULL: there is none. */
static const struct hv_spec_tree *tree_at(const struct hv_agent *a, unsigned i) {
        const struct hv_source_load *l = i == 0 ? a->active : a->latest;

        return l && l->desired ? l->desired->tree : NULL;
}

static const struct hv_spec_secret *declared_in(const struct hv_spec_tree *t, const char *name,
                                                const char *path) {
        for (size_t i = 0; t && i < t->state.secrets.n; i++) {
                const struct hv_spec_secret *s = &t->state.secrets.v[i];

                if (hv_streq(s->o.name, name) || (s->from_file && hv_streq(s->from_file, path)))
                        return s;
        }
        return NULL;
}

/* ---- looking ---- */

struct listing {
        struct hv_agent *agent;
        struct hv_arena *arena;
        HV_VEC(struct hv_api_secret) found;
};

static void add_declared(struct listing *l, const struct hv_spec_tree *t, const struct hv_spec_secret *s) {
        const struct hv_secret *value = hv_agent_secret(l->agent, s->o.name);
        struct hv_api_secret *ret = hv_vec_add(&l->found);

        *ret = (struct hv_api_secret){
                .name = hv_arena_strdup(l->arena, s->o.name),
                .source = s->from_file         ? "fromFile"
                          : s->from_credential ? "fromCredential"
                                               : "generate",
                .location = hv_arena_strdup(l->arena, s->from_file ? s->from_file : s->from_credential),
                .is_declared = true,
                .is_known = value != NULL,
                .size_bytes = value ? hv_secret_len(value) : 0,
                .users = hv_spec_secret_users(t, s->o.name, l->arena),
        };
}

static void on_file(void *userdata, const char *name, uint64_t size_bytes) {
        static const char *const nobody[] = { NULL };
        struct listing *l = userdata;
        const char *path = path_of(l->agent, name, l->arena);

        if (declared_in(tree_at(l->agent, 0), name, path))
                return;
        *hv_vec_add(&l->found) = (struct hv_api_secret){
                .name = hv_arena_strdup(l->arena, name),
                .source = "none",
                .location = path,
                .is_known = true,
                .size_bytes = size_bytes,
                .users = nobody,
        };
}

int hv_agent_secrets(void *userdata, struct hv_arena *arena, struct hv_api_secrets *ret, struct hv_err *err) {
        struct listing l = { .agent = userdata, .arena = arena };
        const struct hv_spec_tree *t = tree_at(userdata, 0);
        int r;

        for (size_t i = 0; t && i < t->state.secrets.n; i++)
                add_declared(&l, t, &t->state.secrets.v[i]);
        r = hv_source_set_each_secret(l.agent->sources, on_file, &l, err);
        if (r >= 0)
                *ret = (struct hv_api_secrets){
                        hv_arena_memdup(arena, l.found.v, l.found.n * sizeof *l.found.v), l.found.n
                };
        hv_vec_done(&l.found);
        return r;
}

/* ---- changing ---- */

static int check_name(const char *name, struct hv_err *err) {
        struct hv_fault fault = {};

        return hv_value_name(name, &fault) < 0 ? hv_err_set(err, -EINVAL, "%s", fault.message) : 0;
}

/* What comes from elsewhere is not written here. */
static int check_place(const struct hv_spec_secret *s, const char *name, const char *path,
                       struct hv_err *err) {
        if (!s || (s->from_file && hv_streq(s->from_file, path)))
                return 0;
        if (s->from_file)
                return hv_err_set(err, -EEXIST, "secret %s is the file %s: write it there, with mode 0600",
                                  name, s->from_file);
        if (s->from_credential)
                return hv_err_set(err, -EEXIST,
                                  "secret %s is the credential %s of the agent's unit: write it there", name,
                                  s->from_credential);
        return hv_err_set(err, -EEXIST, "secret %s is made by the agent: hivectl wg rotate makes another one",
                          name);
}

int hv_agent_secret_put(void *userdata, const struct hv_api_secret_wish *wish, struct hv_arena *arena,
                        struct hv_api_secret_put *ret, struct hv_err *err) {
        const char *path = path_of(userdata, wish->name, arena);
        struct hv_agent *a = userdata;
        bool is_declared = false;
        int r = check_name(wish->name, err);

        for (unsigned i = 0; i < 2 && r >= 0; i++) {
                const struct hv_spec_secret *s = declared_in(tree_at(a, i), wish->name, path);

                is_declared = is_declared || s;
                r = check_place(s, wish->name, path, err);
        }
        if (r >= 0)
                r = hv_source_set_put_secret(a->sources, wish->name, wish->data, wish->len, err);
        if (r < 0)
                return r;
        hv_log_info("secret %s was written by %s", wish->name, wish->by);
        *ret = (struct hv_api_secret_put){ path, is_declared };
        /* Also where no good document names it: the newest one may have been refused for want of it. */
        (void) hv_agent_reload(a);
        return 0;
}

int hv_agent_secret_remove(void *userdata, const char *name, const char *by, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        const char *path = path_of(userdata, name, arena);
        struct hv_agent *a = userdata;
        int r = check_name(name, err);

        for (unsigned i = 0; i < 2 && r >= 0; i++) {
                const struct hv_spec_tree *t = tree_at(a, i);
                const struct hv_spec_secret *s = declared_in(t, name, path);
                const char *const *users = s ? hv_spec_secret_users(t, s->o.name, arena) : NULL;
                const char *text = "";

                for (size_t k = 0; users && users[k]; k++)
                        text = hv_arena_printf(arena, "%s%s%s", text, k ? ", " : "", users[k]);
                if (users && *users)
                        r = hv_err_set(err, -EBUSY, "secret %s is used by %s", name, text);
                else if (s)
                        r = hv_err_set(err, -EBUSY,
                                       "secret %s is declared: take it out of the documents first", name);
        }
        if (r >= 0)
                r = hv_source_set_remove_secret(a->sources, name, err);
        if (r < 0)
                return r;
        if (r == 0)
                return hv_err_set(err, -ENOENT, "there is no secret %s in %s/secrets", name,
                                  a->options->state_dir ? a->options->state_dir : HV_AGENT_STATE_DIR);
        hv_log_info("secret %s was removed by %s", name, by);
        return 0;
}
