/* agent/backend_service.c - the document of one service as somebody wants it: with another image or other variables, or as it was.
 *
 * Only of what the API was given. What a file declares is changed in that file: hivelet writes to none, and nothing else takes the
 * place of what it says, so that the files stay what they are read for. */
#include <errno.h>

#include "agent/private.h"
#include "source/edit.h"
#include "spec/node.h"
#include "spec/types.h"

static const struct hv_spec_object *declaration(const struct hv_agent *a, const char *name) {
        const struct hv_desired *d = hv_core_active(a->core);

        return d && d->tree ? hv_spec_find(d->tree, HV_KIND_SERVICE, name) : NULL;
}

/* Where the operator finds what he wants to change. */
static int refuse(const struct hv_agent *a, const struct hv_api_service_change *s, struct hv_err *err) {
        const struct hv_spec_object *o = declaration(a, s->name);
        const struct hv_node *field;
        const char *file;

        if (!o)
                return hv_err_set(err, -ENOENT, "there is no service \"%s\"", s->name);
        file = hv_core_active(a->core)->tree->files[o->node->at.file];
        field = hv_node_get(o->node, s->image ? "image" : "env");
        if (s->undo)
                return hv_err_set(
                        err, -EEXIST,
                        "service %s is declared in %s:%u: put there what it said before, or hivectl rollback "
                        "takes the whole node back, whatever the files say",
                        s->name, file, o->node->at.line);
        return hv_err_set(
                err, -EEXIST,
                "service %s is declared in %s:%u: change %s there, in line %u; hivelet writes to no file, and "
                "nothing else takes the place of what one says",
                s->name, file, o->node->at.line, s->image ? "its image" : "its env",
                field ? field->at.line : o->node->at.line);
}

/* The newest one that is not as it is now. */
static int text_before(struct hv_agent *a, const struct hv_stored_object *now, struct hv_buf *ret,
                       struct hv_err *err) {
        _hv_cleanup_free_ char *path = hv_object_store_path(now->kind, now->name);
        struct hv_revision_store *store = hv_source_set_revisions(a->sources);
        size_t n;
        const struct hv_revision_entry *kept = hv_revision_store_all(store, &n);

        for (size_t i = 0; i < n; i++) {
                _hv_cleanup_(hv_revision_files_done) struct hv_revision_files files = {};

                if (hv_revision_store_read(store, kept[i].revision, &files, NULL) < 0)
                        continue; /* damaged: an older one may be good */
                for (size_t k = 0; k < files.n; k++) {
                        const struct hv_revision_file *f = &files.v[k];

                        if (!hv_streq(f->source, "api") || !hv_streq(f->name, path) ||
                            (f->len == now->len && memcmp(f->text, now->text, f->len) == 0))
                                continue;
                        hv_buf_add(ret, f->text, f->len);
                        return 0;
                }
        }
        return hv_err_set(err, -ENOENT,
                          "none of the %zu revisions that are kept has another document of service %s", n,
                          now->name);
}

int hv_agent_service_text(struct hv_agent *a, const struct hv_api_service_change *s, struct hv_buf *ret,
                          struct hv_err *err) {
        const struct hv_object_store *objects = hv_source_set_objects(a->sources);
        const struct hv_stored_object *now =
                objects ? hv_object_store_get(objects, HV_KIND_SERVICE, s->name) : NULL;
        const struct hv_service_edit edit = { s->image, s->env };

        if (!now)
                return refuse(a, s, err);
        return s->undo ? text_before(a, now, ret, err)
                       : hv_source_edit_service(now->text, now->len, &edit, ret, err);
}
