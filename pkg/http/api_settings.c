/* /api/settings: what is in force and where each of it comes from. Nothing is changed here: settings stand in files. */
#include "http/api_internal.h"

#include "http/render_document.h"
#include "http/render_settings.h"
#include "spec/types.h"
#include "json/json.h"

#define WHERE_SIZE 1280

void hv_api_get_settings(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (hv_api_not_modified(api, req))
                return;
        hv_api_look(api, &v);
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "node_id", v.snapshot.node_id);
        hv_json_put_str(&w, "file", hv_settings_file(v.snapshot.desired));
        hv_json_put_str(&w, "revision", v.snapshot.desired ? v.snapshot.desired->revision : NULL);
        hv_render_settings(&w, "settings", v.snapshot.desired);
        hv_json_end(&w);
        hv_api_reply(req, 200, &buf);
}

/* NULL: it is not declared any more, or never was. */
static const struct hv_spec_object *declaration_of(const struct hv_api_view *v, enum hv_kind kind,
                                                   const struct hv_view_item *item) {
        return v->snapshot.desired && v->snapshot.desired->tree
                       ? hv_spec_find(v->snapshot.desired->tree, kind, item->name)
                       : NULL;
}

void hv_api_get_document(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const struct hv_spec_object *declared;
        const struct hv_view_item *item;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        item = hv_api_wanted_item(req, &v, kind);
        if (!item)
                return;
        declared = declaration_of(&v, kind, item);
        if (!declared) {
                hv_http_reply_problem(req, 404, "NotFound", "%s \"%s\" is not declared", hv_kind_label(kind),
                                      item->name);
                return;
        }
        hv_render_document(&w, NULL, declared);
        hv_api_reply(req, 200, &buf);
}

void hv_api_get_origin(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        const char *field = hv_http_query(req, "field");
        const struct hv_spec_object *declared;
        const struct hv_view_item *item;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        hv_api_look(api, &v);
        item = hv_api_wanted_item(req, &v, kind);
        if (!item)
                return;
        declared = declaration_of(&v, kind, item);
        if (hv_str_empty(field))
                hv_http_reply_problem(req, 400, "BadQuery", "which field? For example ?field=image");
        else if (!declared)
                hv_http_reply_problem(req, 404, "NotFound", "%s \"%s\" is not declared any more",
                                      hv_kind_label(kind), item->name);
        else if (hv_render_origin(&w, NULL, v.snapshot.desired, declared, field))
                hv_api_reply(req, 200, &buf);
        else
                hv_http_reply_problem(req, 404, "NotFound",
                                      "%s has no field \"%.100s\"; hivectl explain %s lists them",
                                      hv_kind_name(kind), field, hv_kind_name(kind));
}

/* Of each field that was to be changed: where it stands. */
static void name_places(struct hv_buf *text, const struct hv_desired *desired, const struct hv_json *wished) {
        const struct hv_json *value;
        char place[WHERE_SIZE];
        const char *field;

        for (void *i = NULL; hv_json_next(wished, &i, &field, &value);) {
                bool is_known;
                const char *where = hv_settings_where(desired, field, place, sizeof place, &is_known);

                if (where)
                        hv_buf_printf(text, "; %s stands at %s", field, where);
                else
                        hv_buf_printf(text, is_known ? "; nobody wrote %s yet" : "; there is no field %s",
                                      field);
        }
}

void hv_api_post_settings(struct hv_http_request *req, void *userdata) {
        struct hv_api *api = userdata;
        _hv_cleanup_(hv_api_view_done) struct hv_api_view v = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *wished = NULL;
        const char *file;
        size_t len;
        const char *body = hv_http_body(req, &len);

        hv_api_look(api, &v);
        file = hv_settings_file(v.snapshot.desired);
        if (file)
                hv_buf_printf(&text, "settings are changed in %s, not here", file);
        else
                hv_buf_puts(&text, "settings are changed in the agent's file, variables and flags, not here");
        if (hv_json_parse(body, len, len, &wished, NULL) == 0 && hv_json_type(wished) == HV_JSON_OBJECT)
                name_places(&text, v.snapshot.desired, wished);
        hv_http_reply_header(req, "Allow", "GET, HEAD");
        hv_http_reply_problem(req, 405, "MethodNotAllowed", "%s", hv_buf_str(&text));
}
