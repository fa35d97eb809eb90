/* source/cut.c - see cut.h. Pure: both texts are in memory. */
#include "source/cut.h"

static const struct hv_revision_file *primary_of(const struct hv_source_load *l) {
        for (size_t i = 0; i < l->n_files; i++)
                if (l->files[i].primary)
                        return &l->files[i];
        return NULL;
}

static const struct hv_object *object_of(const struct hv_desired *d, enum hv_kind kind, const char *name) {
        for (size_t i = 0; i < d->n_objects; i++)
                if (d->objects[i].kind == kind && hv_streq(d->objects[i].name, name))
                        return &d->objects[i];
        return NULL;
}

/* Nothing that is declared in both would be changed, replicas included. */
static bool declares_as_before(const struct hv_desired *now, const struct hv_desired *before) {
        for (size_t i = 0; i < now->n_objects; i++) {
                const struct hv_object *o = &now->objects[i], *old = object_of(before, o->kind, o->name);

                if (!old || o->n_units != old->n_units)
                        return false;
        }
        for (size_t i = 0; i < now->n_units; i++) {
                const struct hv_unit *u = &now->units[i], *old = hv_desired_unit(before, u->key);

                if (!old || !hv_streq(u->digest, old->digest) ||
                    memcmp(&u->limits, &old->limits, sizeof u->limits) != 0)
                        return false;
        }
        for (size_t i = 0; i < now->n_networks; i++) {
                const struct hv_network *old = hv_desired_network(before, now->networks[i].name);

                if (!old || !hv_streq(now->networks[i].digest, old->digest))
                        return false;
        }
        for (size_t i = 0; i < now->n_volumes; i++) {
                const struct hv_volume *old = hv_desired_volume(before, now->volumes[i].name);

                if (!old || !hv_streq(now->volumes[i].digest, old->digest) ||
                    now->volumes[i].reclaim_delete != old->reclaim_delete)
                        return false;
        }
        return true;
}

static unsigned count_lines(const char *text, size_t len) {
        unsigned n = 1;

        for (size_t i = 0; i < len; i++)
                n += text[i] == '\n';
        return n;
}

bool hv_source_refuse_cut(struct hv_source_load *now, const struct hv_source_load *before) {
        const struct hv_revision_file *f = primary_of(now), *old = before ? primary_of(before) : NULL;
        struct hv_pos at = { .column = 1 };
        struct hv_diag *d;

        if (!now->desired || !f || !old || !before->desired || !hv_streq(f->name, old->name))
                return false;
        if (f->len == 0 || f->len >= old->len || memcmp(f->text, old->text, f->len) != 0)
                return false;
        if (f->text[f->len - 1] == '\n' && declares_as_before(now->desired, before->desired))
                return false;
        at.file = hv_diags_add_file(now->diags, f->name, f->text, f->len);
        at.line = count_lines(f->text, f->len - 1);
        d = hv_diag_error_pos(now->diags, at, 0, "E0011",
                              "the file looks cut: it is the first %zu of the %zu bytes in force", f->len,
                              old->len);
        hv_diag_hint(now->diags, d, "copy it again; if it is meant so, end it with a line \"...\"");
        hv_diags_sort(now->diags);
        now->desired = hv_desired_unref(now->desired);
        now->secrets = hv_secrets_free(now->secrets);
        return true;
}
