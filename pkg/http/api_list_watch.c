/* Lists that are watched (`?watch=1`): what is there, and then what becomes of it, as server-sent events.
 *
 *      RESET      forget all; what follows, as ADDED, is all there is. Comes first, unless somebody resumes
 *      ADDED, MODIFIED, DELETED
 *
 * Only the last event of those that belong together has an id, so whoever is cut off among them resumes before the first. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/vec.h"
#include "http/api_task.h"
#include "http/render.h"
#include "http/render_task.h"

#define LIVE_STATES ((1u << HV_TASK_COMPLETED) - 1)
#define FRAME_BYTES 128 /* at most what stands around one event */

/* ---- what is there ---- */

/* A list as it is now, each thing as the list shows it. */
struct listed {
        struct hv_api_task_view view;
        HV_VEC(struct hv_list_thing) things;
};

static void listed_done(struct listed *l) {
        hv_vec_done(&l->things);
        hv_api_task_view_done(&l->view);
}

static void add_thing(struct listed *l, const char *name, struct hv_buf *text) {
        hv_vec_push(&l->things,
                    ((struct hv_list_thing){ name, hv_arena_strdup(l->view.view.arena, hv_buf_str(text)) }));
        hv_buf_done(text);
}

/* Those that are alive. A ledger that cannot be read leaves those of which the core knows. */
static void list_tasks(struct hv_api *api, struct listed *l) {
        const struct hv_task_filter live = { .states = LIVE_STATES, .limit = HV_TASK_PAGE_MAX };
        struct hv_task_page page = {};
        struct hv_err err = {};

        hv_api_look_at_tasks(api, &l->view);
        (void) hv_task_page_read(&l->view.tasks, &live, l->view.view.arena, &page, &err);
        for (size_t i = 0; i < page.n; i++) {
                struct hv_buf text = {};
                struct hv_json_writer w = { .buf = &text };

                hv_render_task(&w, NULL, &l->view.view.snapshot, &page.items[i]);
                add_thing(l, page.items[i].id, &text);
        }
}

static void list(struct hv_api *api, enum hv_kind kind, struct listed *l) {
        const struct hv_view_item *items;
        size_t n;

        if (kind == HV_KIND_TASK) {
                list_tasks(api, l);
                return;
        }
        hv_api_look(api, &l->view.view);
        items = hv_view_list(l->view.view.arena, &l->view.view.snapshot, kind, &n);
        for (size_t i = 0; i < n; i++) {
                struct hv_buf text = {};
                struct hv_json_writer w = { .buf = &text };

                hv_render_item(&w, NULL, &l->view.view.snapshot, &items[i]);
                add_thing(l, items[i].name, &text);
        }
}

/* ---- news ---- */

struct item {
        const char *type, *text;
};

struct news {
        struct listed *listed;
        enum hv_kind kind;
        HV_VEC(struct item) items;
        size_t n_bytes;
};

static void push(struct news *n, const char *type, const char *text) {
        hv_vec_push(&n->items, ((struct item){ type, text }));
        n->n_bytes += strlen(text) + FRAME_BYTES;
}

/* A task that lives no more has ended: how is news as long as the ledger knows it. */
static bool is_ended_task(struct news *n, const char *id, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };
        struct hv_task_item item;
        struct hv_err err = {};

        if (n->kind != HV_KIND_TASK ||
            hv_task_find(&n->listed->view.tasks, id, n->listed->view.view.arena, &item, &err) < 0)
                return false;
        item.document = NULL;
        hv_render_task(&w, NULL, &n->listed->view.view.snapshot, &item);
        return true;
}

static void on_news(void *userdata, enum hv_list_news what, const char *name, const char *text) {
        struct news *n = userdata;
        struct hv_buf buf = {};
        struct hv_json_writer w = { .buf = &buf };

        if (text) {
                push(n, hv_list_news_name(what), text);
                return;
        }
        if (is_ended_task(n, name, &buf))
                what = HV_LIST_MODIFIED;
        else {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "apiVersion", "hivelet/v1");
                hv_json_put_str(&w, "kind", hv_kind_name(n->kind));
                hv_json_begin_object(&w, "metadata");
                hv_json_put_str(&w, "name", name);
                hv_json_end(&w);
                hv_json_end(&w);
        }
        push(n, hv_list_news_name(what), hv_arena_strdup(n->listed->view.view.arena, hv_buf_str(&buf)));
        hv_buf_done(&buf);
}

static void begin_anew(struct news *n) {
        push(n, "RESET",
             hv_arena_printf(n->listed->view.view.arena, "{\"kind\":\"%sList\",\"items\":%zu}",
                             hv_kind_name(n->kind), n->listed->things.n));
        for (size_t i = 0; i < n->listed->things.n; i++)
                push(n, hv_list_news_name(HV_LIST_ADDED), n->listed->things.v[i].text);
}

/* To all who watch. */
static void tell_watchers(struct hv_api *api, enum hv_kind kind, struct listed *l) {
        struct hv_api_watched *watched = &api->watched[kind];
        struct news news = { .listed = l, .kind = kind };
        char id[HV_API_WATCH_ID_SIZE];

        hv_api_watch_id(api, id);
        hv_list_watch_look(watched->memory, api->generation, l->things.v, l->things.n, on_news, &news);
        for (size_t i = 0; i < news.items.n; i++)
                hv_http_sse_broadcast(watched->hub, i + 1 == news.items.n ? id : NULL, news.items.v[i].type,
                                      news.items.v[i].text);
        hv_vec_done(&news.items);
}

void hv_api_tell_list_watchers(struct hv_api *api) {
        for (enum hv_kind kind = 0; kind < HV_N_KINDS; kind++) {
                _hv_cleanup_(listed_done) struct listed l = {};

                if (!api->watched[kind].hub || hv_http_sse_hub_size(api->watched[kind].hub) == 0)
                        continue;
                list(api, kind, &l);
                tell_watchers(api, kind, &l);
        }
}

/* ---- watchers ---- */

bool hv_api_wants_watch(const struct hv_http_request *req) {
        const char *accept = hv_http_header(req, "Accept");

        return hv_http_query_is_true(req, "watch") ||
               hv_http_accept_milli(accept, "text/event-stream") >
                       hv_http_accept_milli(accept, "application/json");
}

/* Those of the status are counted too: whoever watches is one of them, whatever he watches. */
bool hv_api_has_room_for_watcher(struct hv_api *api, struct hv_http_request *req) {
        size_t n = hv_http_sse_hub_size(api->watch_hub) + hv_http_sse_hub_size(api->preload_hub);

        for (enum hv_kind kind = 0; kind < HV_N_KINDS; kind++)
                n += api->watched[kind].hub ? hv_http_sse_hub_size(api->watched[kind].hub) : 0;
        if (n < api->watchers_max)
                return true;
        hv_http_reply_header(req, "Retry-After", "10");
        hv_http_reply_problem(req, 503, "TooManyStreams", "%zu clients watch already", n);
        return false;
}

/* The generation behind which this client goes on. False: of another run, or none. */
static bool read_last_id(const struct hv_api *api, const struct hv_http_request *req, uint64_t *ret) {
        const char *id = hv_http_header(req, "Last-Event-ID");
        uint64_t run, generation;
        char *end;

        if (!id)
                return false;
        run = strtoull(id, &end, 16);
        if (*end != '-' || !hv_parse_uint(end + 1, 0, UINT64_MAX, &generation) || run != api->run ||
            generation > api->generation)
                return false;
        *ret = generation;
        return true;
}

/* What chooses among the things of a list chooses nothing of what becomes of them. */
static bool has_only_watch(struct hv_http_request *req) {
        static const char *const others[] = { "limit", "continue", "state", "source", "name", "cron" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(others); i++)
                if (hv_http_query(req, others[i])) {
                        hv_http_reply_problem(req, 400, "BadQuery",
                                              "watch tells the whole list: leave out %s", others[i]);
                        return false;
                }
        return true;
}

static int open_list(struct hv_api *api, enum hv_kind kind, struct hv_err *err) {
        struct hv_api_watched *watched = &api->watched[kind];
        int r;

        if (watched->hub)
                return 0;
        r = hv_http_sse_hub_new(api->event, SIZE_MAX, &watched->hub, err);
        if (r >= 0)
                watched->memory = hv_list_watch_new();
        return r;
}

void hv_api_watch_list(struct hv_http_request *req, struct hv_api *api, enum hv_kind kind) {
        struct hv_api_watched *watched = &api->watched[kind];
        _hv_cleanup_(listed_done) struct listed l = {};
        struct news news = { .listed = &l, .kind = kind };
        struct hv_http_sse *client;
        struct hv_err err = {};
        char id[HV_API_WATCH_ID_SIZE];
        uint64_t since;

        if (!has_only_watch(req) || !hv_api_has_room_for_watcher(api, req))
                return;
        if (open_list(api, kind, &err) < 0) {
                hv_http_reply_err(req, "WatchFailed", &err);
                return;
        }
        list(api, kind, &l);
        tell_watchers(api, kind,
                      &l); /* the memory is of this moment, and nobody misses what it has just found */
        if (!read_last_id(api, req, &since) ||
            !hv_list_watch_since(watched->memory, since, l.things.v, l.things.n, on_news, &news))
                begin_anew(&news);
        hv_api_watch_id(api, id);
        client = hv_http_sse_join(watched->hub, req, news.n_bytes);
        for (size_t i = 0; client && i < news.items.n; i++)
                if (!hv_http_sse_send(client, i + 1 == news.items.n ? id : NULL, news.items.v[i].type,
                                      news.items.v[i].text))
                        break;
        hv_vec_done(&news.items);
}

void hv_api_close_list_watches(struct hv_api *api) {
        for (enum hv_kind kind = 0; kind < HV_N_KINDS; kind++) {
                api->watched[kind].hub = hv_http_sse_hub_free(api->watched[kind].hub);
                api->watched[kind].memory = hv_list_watch_free(api->watched[kind].memory);
        }
}
