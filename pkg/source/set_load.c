/* source/set_load.c - what the sources say, with a change or without: gathered, judged, given out; see set.h. */
#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fail_place.h"
#include "source/cut.h"
#include "source/node_id.h"
#include "source/set_private.h"
#include "source/split.h"
#include "source/task_types.h"
#include "spec/types.h"
#include "spec/yaml.h"

#define POOL_FIELD "master.address"

/* --- life of a load --- */

static struct hv_source_load *load_new(void) {
        struct hv_source_load *l = HV_NEW(struct hv_source_load);

        l->diags = hv_diags_new();
        l->arena = hv_arena_new();
        return l;
}

struct hv_source_load *hv_source_load_free(struct hv_source_load *l) {
        if (!l)
                return NULL;
        (void) hv_desired_unref(l->desired);
        (void) hv_diags_free(l->diags);
        (void) hv_secrets_free(l->secrets);
        (void) hv_arena_free(l->arena);
        free(l);
        return NULL;
}

/* --- gathering --- */

void hv_source_add_file(struct making *m, const struct hv_spec_file *f) {
        struct hv_arena *a = m->load->arena;

        *hv_vec_add(&m->files) = (struct hv_spec_file){
                .name = hv_arena_strdup(a, f->name),
                .text = hv_arena_strndup(a, f->text, f->len),
                .len = f->len,
                .source = hv_arena_strdup(a, f->source),
                .primary = f->primary,
        };
}

static struct making begin(struct hv_source_set *s) {
        struct making m = {
                .set = s, .load = load_new(), .facts = true, .needs_secrets = true, .writes = !s->look_only
        };

        if (s->env)
                hv_spec_environment(&m.overrides, s->env, s->env_userdata, m.load->diags);
        for (size_t i = 0; i < s->flags.list.n; i++)
                hv_spec_overrides_add(&m.overrides, s->flags.list.v[i].field, s->flags.list.v[i].text,
                                      s->flags.list.v[i].origin);
        return m;
}

/* The primary file may be missing only where the documents of the worker before hivelet started one without a
 * file. */
static bool may_be_missing(const struct making *m) {
        if (m->set->config_is_named || m->set->had_primary)
                return false;
        for (size_t i = 0; i < m->overrides.list.n; i++)
                if (hv_streq(m->overrides.list.v[i].field, POOL_FIELD))
                        return true;
        return false;
}

static int gather_files(struct making *m, bool skip_primary) {
        struct hv_source_set *s = m->set;
        struct hv_diags *diags = m->load->diags;
        size_t errors = hv_diags_errors(diags);
        bool missing;

        if (hv_source_trial_stands_for_files(s)) {
                m->load->held = true;
                return hv_source_trial_gather(m, "file", skip_primary);
        }
        hv_files_read(s->files, &missing, diags);
        if (missing && !skip_primary && !may_be_missing(m))
                (void) hv_diag_error_pos(
                        diags, (struct hv_pos){ .file = hv_diags_add_file(diags, s->config, NULL, 0) }, 0,
                        "E0001", "cannot open: %s (running as uid %u)", strerror(ENOENT),
                        (unsigned) geteuid());
        for (size_t i = 0; i < hv_files_count(s->files); i++) {
                struct hv_spec_file f = hv_files_get(s->files, i);

                s->had_primary = s->had_primary || f.primary;
                if (!(f.primary && skip_primary))
                        hv_source_add_file(m, &f);
        }
        s->file_good = hv_diags_errors(diags) == errors;
        return 0;
}

static bool is_changed_by(const struct hv_stored_object *o, const struct hv_stored_object *changes,
                          size_t n) {
        for (size_t i = 0; i < n; i++)
                if (changes[i].kind == o->kind && hv_streq(changes[i].name, o->name))
                        return true;
        return false;
}

int hv_source_open_objects(struct hv_source_set *s, struct hv_err *err) {
        int r;

        if (s->objects || s->state.fd < 0)
                return 0;
        r = hv_object_store_open(&s->state, s->look_only, &s->objects, err);
        s->api_good = r >= 0;
        return r;
}

/* What the API gave, without what is about to be changed. */
static int gather_objects(struct making *m, const struct hv_stored_object *changes, size_t n_changes) {
        struct hv_source_set *s = m->set;
        const struct hv_stored_object *all;
        size_t n;
        int r;

        if (hv_source_trial_stands_for_objects(s))
                return hv_source_trial_gather(m, "api", false);
        r = hv_source_open_objects(s, &m->load->err);
        if (r < 0 || !s->objects)
                return r;
        all = hv_object_store_all(s->objects, &n);
        for (size_t i = 0; i < n; i++) {
                _hv_cleanup_free_ char *path = hv_object_store_path(all[i].kind, all[i].name);

                if (!is_changed_by(&all[i], changes, n_changes))
                        hv_source_add_file(m, &(struct hv_spec_file){ .name = path,
                                                                      .text = all[i].text,
                                                                      .len = all[i].len,
                                                                      .source = "api" });
        }
        return 0;
}

/* --- judging --- */

/* A primary file without any document is what a crash or a full disk leaves of one. */
static void refuse_hollow_primary(struct making *m) {
        const struct hv_spec_tree *tree = m->load->desired->tree;
        struct hv_diags *diags = m->load->diags;
        const char *name;

        if (m->files.n == 0 || !m->files.v[0].primary)
                return;
        name = m->files.v[0].name;
        for (size_t i = 0; tree && i < tree->n_documents; i++)
                if (tree->documents[i].root && hv_streq(hv_diags_file(diags, tree->documents[i].file), name))
                        return;
        (void) hv_diag_error_pos(
                diags, (struct hv_pos){ .file = 0 }, 0, "E0010",
                "refusing an empty desired state: %s holds no document; to run nothing, write a "
                "NodeState without objects and node.safety.allowEmpty: true",
                name);
}

static void refuse(struct hv_source_load *l) {
        l->desired = hv_desired_unref(l->desired);
        l->secrets = hv_secrets_free(l->secrets);
}

static int check_node_id(struct making *m) {
        struct hv_source_set *s = m->set;
        const char *id = m->load->desired->settings.node_id;
        _hv_cleanup_free_ char *kept = NULL;
        int r;

        if (m->writes) {
                r = hv_node_id_claim(&s->state, id, s->change_node_id, &m->load->err);

                if (r >= 0) /* once: everything that was set up since goes by this id */
                        s->change_node_id = false;
                return r;
        }
        if (s->state.fd < 0 || s->change_node_id)
                return 0;
        r = hv_node_id_read(&s->state, &kept, &m->load->err);
        return r < 0 || !kept || hv_streq(kept, id) ? r
                                                    : hv_node_id_mismatch(&s->state, id, kept, &m->load->err);
}

static void keep_files(struct making *m) {
        struct hv_source_load *l = m->load;
        struct hv_revision_file *v = HV_ARENA_NEW_N(l->arena, struct hv_revision_file, m->files.n);

        for (size_t i = 0; i < m->files.n; i++)
                v[i] = (struct hv_revision_file){
                        .source = m->files.v[i].source,
                        .name = m->files.v[i].name,
                        .primary = m->files.v[i].primary,
                        .text = m->files.v[i].text,
                        .len = m->files.v[i].len,
                };
        l->files = v;
        l->n_files = m->files.n;
}

static void judge(struct making *m) {
        _hv_cleanup_(hv_task_type_files_done) struct hv_task_type_files types = {};
        struct hv_source_set *s = m->set;
        struct hv_source_load *l = m->load;
        struct hv_spec_input in = {
                .files = m->files.v,
                .n_files = m->files.n,
                .read = hv_yaml_read,
                .env = s->env,
                .env_userdata = s->env_userdata,
                .overrides = m->overrides.list.v,
                .n_overrides = m->overrides.list.n,
                .hostname = s->hostname,
                .facts = m->facts ? hv_facts_get(s->facts) : NULL,
                .given = s->given,
                .given_userdata = s->given_userdata,
        };
        int r;

        hv_task_type_files_read(s->config, &types, l->diags);
        in.type_files = types.v.v;
        in.n_type_files = types.v.n;
        r = hv_spec_load(&in, &l->desired, l->diags);
        if (r >= 0)
                refuse_hollow_primary(m);
        if (r >= 0 && hv_diags_errors(l->diags) > 0)
                r = -EINVAL;
        if (r >= 0 && m->writes)
                r = hv_secrets_load(&l->desired->tree->state, &s->state, s->credentials, l->diags,
                                    !m->needs_secrets, &l->secrets);
        if (r >= 0)
                r = check_node_id(m); /* last: what is refused for another reason claims no name */
        if (r >= 0)
                keep_files(m);
        else
                refuse(l);
}

static struct hv_source_load *finish(struct making *m) {
        hv_diags_sort(m->load->diags);
        hv_vec_done(&m->files);
        hv_spec_overrides_done(&m->overrides);
        return m->load;
}

/* --- loading --- */

static struct hv_source_load *load(struct hv_source_set *s, bool writes) {
        struct making m = begin(s);

        m.writes = m.writes && writes;
        if (gather_files(&m, false) >= 0 && gather_objects(&m, NULL, 0) >= 0)
                judge(&m);
        return finish(&m);
}

struct hv_source_load *hv_source_set_load(struct hv_source_set *s) {
        return load(s, true);
}

struct hv_source_load *hv_source_look_past_hold(struct hv_source_set *s) {
        struct hv_source_load *l;

        s->looks_past_hold = true;
        l = load(s, false);
        s->looks_past_hold = false;
        return l;
}

/* One of the revisions of the store; NULL for none. */
static struct hv_source_load *load_kept(struct hv_source_set *s, const char *revision, bool writes) {
        struct hv_revision_files files = {};
        struct making m = begin(s);
        int r;

        m.load->from_store = true;
        m.facts = m.needs_secrets = false;
        m.writes = writes;
        if (s->change_node_id)
                r = hv_err_set(&m.load->err, -ENOENT, "what was in force belongs to the node id of before");
        else
                r = revision ? hv_revision_store_read(s->revisions, revision, &files, &m.load->err)
                             : hv_err_set(&m.load->err, -ENOENT,
                                          "no revision was in force on this machine yet");
        for (size_t i = 0; r >= 0 && i < files.n; i++)
                hv_source_add_file(&m, &(struct hv_spec_file){
                                               .name = files.v[i].name,
                                               .text = files.v[i].text,
                                               .len = files.v[i].len,
                                               .source = files.v[i].source,
                                               .primary = files.v[i].primary,
                                       });
        hv_revision_files_done(&files);
        if (r >= 0)
                judge(&m);
        return finish(&m);
}

struct hv_source_load *hv_source_set_last_good(struct hv_source_set *s) {
        const char *revision = s->revisions ? hv_revision_store_active(s->revisions) : NULL;

        if (s->trial.phase == HV_TRIAL_REVERTING)
                revision = s->trial.base;
        return load_kept(s, revision, !s->look_only);
}

struct hv_source_load *hv_source_set_kept(struct hv_source_set *s, const char *revision) {
        return load_kept(s, revision, false);
}

/* --- changing --- */

struct changes {
        struct hv_stored_object *v;
        size_t n, cap;
        HV_VEC(struct hv_pieces) pieces; /* names and texts of `v` stand in them */
        HV_VEC(char *) texts;
        bool replaces_primary; /* a dry run with a NodeState */
};

static void changes_done(struct changes *c) {
        for (size_t i = 0; i < c->pieces.n; i++)
                hv_pieces_done(&c->pieces.v[i]);
        hv_vec_done(&c->pieces);
        for (size_t i = 0; i < c->texts.n; i++)
                free(c->texts.v[i]);
        hv_vec_done(&c->texts);
        hv_vec_done(c);
}

static bool has_node_state(const struct hv_pieces *p) {
        for (size_t i = 0; i < p->n; i++)
                if (p->v[i].kind == HV_KIND_NODESTATE)
                        return true;
        return false;
}

/* Cuts one text into objects for the source `api`, and adds it to what is judged. */
static void take_text(struct making *m, const struct hv_source_text *t, bool dry_run, struct changes *c) {
        struct hv_pieces *pieces = hv_vec_add(&c->pieces);
        bool primary;

        hv_split(t->text, t->len, pieces);
        /* The primary file itself: it was read from the disk, and its objects are not stored a second time. */
        if (!dry_run && t->path && hv_streq(t->path, m->set->config) && has_node_state(pieces))
                return;
        primary = dry_run && !c->replaces_primary && has_node_state(pieces);
        c->replaces_primary = c->replaces_primary || primary;
        hv_source_add_file(m, &(struct hv_spec_file){ .name = t->name,
                                                      .text = t->text,
                                                      .len = t->len,
                                                      .source = primary ? "file" : "api",
                                                      .primary = primary });
        for (size_t i = 0; i < pieces->n; i++) {
                const struct hv_piece *p = &pieces->v[i];
                char *text;

                if (p->kind <= HV_KIND_NODESTATE || !p->name)
                        continue;
                text = hv_strndup(p->text, p->len);
                hv_vec_push(&c->texts, text);
                hv_vec_push(c, ((struct hv_stored_object){
                                       .kind = p->kind, .name = p->name, .text = text, .len = p->len }));
        }
}

static int take_forget(struct making *m, const struct hv_source_change *change, struct changes *c) {
        if (change->forget_kind == HV_KIND_NONE)
                return 0;
        if (!m->set->objects ||
            !hv_object_store_get(m->set->objects, change->forget_kind, change->forget_name))
                return hv_err_set(&m->load->err, -ENOENT,
                                  "%s \"%s\" was not given by hivectl apply -f; what a file "
                                  "declares is deleted in that file",
                                  hv_kind_name(change->forget_kind),
                                  change->forget_name ? change->forget_name : "");
        hv_vec_push(c, ((struct hv_stored_object){ .kind = change->forget_kind,
                                                   .name = (char *) change->forget_name }));
        return 0;
}

/* The primary file first, whatever the order in which the parts were gathered. */
static void primary_first(struct making *m) {
        for (size_t i = 1; i < m->files.n; i++)
                if (m->files.v[i].primary) {
                        struct hv_spec_file f = m->files.v[i];

                        memmove(&m->files.v[1], &m->files.v[0], i * sizeof f);
                        m->files.v[0] = f;
                        return;
                }
}

/* Files that are held off come back with a change that is about them: they, or all sources, are applied by name. */
static int release_files(struct hv_source_set *s, const struct hv_source_change *change, bool changes_objects,
                         struct hv_err *err) {
        bool is_about_files = !change->dry_run && !change->is_reload && !changes_objects;

        if (!is_about_files)
                return 0;
        if (!change->trial)
                return hv_source_trial_release(s, err);
        s->looks_past_hold = true; /* until the trial takes the place of what is known of the last one */
        return 0;
}

/* What was judged good is stored. NULL: nothing has to be. */
static struct hv_source_load *store(struct making *m, const struct hv_source_change *change,
                                    const struct changes *c) {
        struct hv_source_set *s = m->set;
        struct hv_trial before;
        int r = 0;

        if (change->trial)
                r = hv_source_trial_begin(s, change, c->n > 0, m->load->desired->revision, &before,
                                          &m->load->err);
        if (r >= 0 && c->n == 0)
                return NULL;
        /* What is stored is what comes into force: read back, so that positions and names are those of the store. */
        if (r >= 0) {
                r = hv_object_store_change(s->objects, c->v, c->n, &m->load->err);
                if (r >= 0)
                        hv_fail_place("trial_stored");
                else if (change->trial && !hv_object_store_is_unfinished(s->objects))
                        hv_source_trial_undo(s, &before);
        }
        if (r >= 0)
                return hv_source_set_load(s);
        refuse(m->load);
        return NULL;
}

struct hv_source_load *hv_source_set_change(struct hv_source_set *s, const struct hv_source_change *change) {
        _hv_cleanup_(changes_done) struct changes c = {};
        struct hv_source_load *stored;
        struct making m = begin(s), own;
        bool changes_objects;
        int r;

        m.writes = m.writes && !change->dry_run;
        own = (struct making){ .set = s, .load = m.load };
        for (size_t i = 0; i < change->n_texts; i++)
                take_text(&own, &change->texts[i], change->dry_run, &c);
        changes_objects = own.files.n > 0 || change->forget_kind != HV_KIND_NONE;
        r = hv_source_trial_admit(s, change, changes_objects, &m.load->err);
        if (r >= 0)
                r = release_files(s, change, changes_objects, &m.load->err);
        if (r >= 0)
                r = gather_files(&m, c.replaces_primary);
        if (r >= 0)
                r = take_forget(&m, change, &c);
        if (r >= 0)
                r = gather_objects(&m, c.v, c.n);
        s->looks_past_hold = false;
        for (size_t i = 0; i < own.files.n; i++)
                hv_vec_push(&m.files, own.files.v[i]);
        hv_vec_done(&own.files);
        primary_first(&m);
        if (r >= 0)
                judge(&m);
        (void) hv_source_refuse_cut(m.load, change->in_force); /* before anything is stored */
        if (change->dry_run || !m.load->desired)
                return finish(&m);
        stored = store(&m, change, &c);
        if (!stored)
                return finish(&m);
        (void) hv_source_load_free(finish(&m));
        return stored;
}
