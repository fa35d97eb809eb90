/* docker/events.c - see events.h. */
#include "docker/events.h"

#include "base/alloc.h"
#include "docker/lines.h"
#include "docker/parse.h"
#include "docker/private.h"
#include "json/write.h"

struct stream {
        struct hv_docker_call *call;
        struct hv_docker_events wanted; /* types are used up when the call is sent */
        struct hv_lines lines;
};

static const char *attribute(const struct hv_pairs *attributes, const char *name) {
        for (size_t i = 0; i < attributes->n; i++)
                if (hv_streq(attributes->v[i].name, name))
                        return attributes->v[i].value;
        return "";
}

/* Old forms (status, id, from) stand beside the new ones in every engine that is supported; podman has both too. */
static bool parse_event(struct hv_arena *arena, const struct hv_json *j, struct hv_docker_event *e) {
        const struct hv_json *actor = hv_json_get(j, "Actor");
        const char *action = hv_json_str(j, "Action");
        const char *code;
        char *end;

        e->type = hv_parse_text(arena, j, "Type");
        if (hv_str_empty(action) || !*e->type)
                return false;
        e->action = hv_arena_strndup(arena, action, strcspn(action, ":"));
        e->id = hv_parse_text(arena, actor, "ID");
        e->attributes = hv_parse_pairs(arena, hv_json_get(actor, "Attributes"));
        e->name = attribute(&e->attributes, "name");
        e->container = attribute(&e->attributes, "container");
        if (!*e->id) /* podman: volumes, networks */
                e->id = e->name;
        code = attribute(&e->attributes, "exitCode");
        e->exit_code = (int) strtol(code, &end, 10);
        e->has_exit_code = *code && !*end;
        e->time_ns = hv_parse_u64(j, "timeNano");
        if (e->time_ns == 0)
                e->time_ns = hv_parse_u64(j, "time") * UINT64_C(1000000000);
        return true;
}

static bool on_line(void *userdata, const struct hv_json *document) {
        struct stream *s = userdata;
        struct hv_docker_call *c = s->call;
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_docker_event event = {};

        if (parse_event(arena, document, &event))
                s->wanted.on_event(s->wanted.userdata, &event);
        else
                c->d->n_junk_events++;
        return !hv_call_is_dead(c);
}

static int on_data(struct hv_docker_call *c, const char *data, size_t len) {
        struct stream *s = c->state;

        (void) hv_lines_add(&s->lines, data, len, on_line, s);
        return 0;
}

static void on_open(struct hv_docker_call *c) {
        struct stream *s = c->state;

        if (s->wanted.on_open)
                s->wanted.on_open(s->wanted.userdata);
}

static void free_stream(void *state) {
        struct stream *s = state;

        hv_lines_done(&s->lines);
        free(s);
}

static void add_filters(struct hv_docker_call *c, const struct hv_strv *types) {
        _hv_cleanup_(hv_buf_done) struct hv_buf filters = {};
        struct hv_json_writer w = { .buf = &filters };

        if (types->n == 0)
                return;
        hv_json_begin_object(&w, NULL);
        hv_json_begin_array(&w, "type");
        for (size_t i = 0; i < types->n; i++)
                hv_json_put_str(&w, NULL, types->v[i]);
        hv_json_end(&w);
        hv_json_end(&w);
        hv_call_add_query(c, "filters", hv_buf_str(&filters));
}

struct hv_docker_call *hv_docker_events(struct hv_docker *d, const struct hv_docker_events *events,
                                        struct hv_docker_then then) {
        struct hv_docker_call *c = hv_call_new(d, HV_DOCKER_OP_EVENTS, then, "/events");
        struct stream *s = HV_NEW(struct stream);

        s->call = c;
        s->wanted = *events;
        c->state = s;
        c->free_state = free_stream;
        add_filters(c, &events->types);
        if (events->since_ns)
                hv_call_add_query_instant(c, "since", events->since_ns);
        c->patient = true;
        c->open_us = c->timeout_us;
        c->timeout_us = 0;
        c->on_open = on_open;
        c->on_data = on_data;
        return hv_call_send(c);
}

uint64_t hv_docker_events_junk_total(const struct hv_docker *d) {
        return d->n_junk_events;
}
