/* hivectl get: objects as tables, documents or names, once or with each change. */
#include "cli/cli_internal.h"

#include <errno.h>
#include <time.h>

#include "base/alloc.h"
#include "base/time.h"
#include "base/vec.h"
#include "cli/client.h"
#include "cli/declared.h"
#include "cli/event_stream.h"
#include "cli/output.h"
#include "json/write.h"

/* ---- fetching ---- */

struct fetched {
        HV_VEC(struct hv_json *) answers; /* lists and single objects, as they came */
        HV_VEC(const struct hv_json *) items;
        bool is_single; /* one object was named, and nothing else */
};

static void fetched_done(struct fetched *f) {
        for (size_t i = 0; i < f->answers.n; i++)
                hv_json_free(f->answers.v[i]);
        hv_vec_done(&f->answers);
        hv_vec_done(&f->items);
}

static int fetch_one(struct hv_cli *cli, enum hv_kind kind, const char *name, struct fetched *f) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_json *j = NULL;
        int r;

        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(kind));
        hv_cli_escape_path(&path, name);
        r = hv_cli_get(cli, hv_buf_str(&path), &j);
        if (r != HV_EXIT_OK)
                return r;
        hv_vec_push(&f->answers, j);
        hv_vec_push(&f->items, j);
        return HV_EXIT_OK;
}

/* "?state=live&cron=nightly&continue=...": what is NULL is left out. */
static void put_query(const struct hv_cli_options *o, const char *next, struct hv_buf *path) {
        const struct {
                const char *name, *value;
        } parts[] = {
                { "state", o->state }, { "cron", o->cron }, { "search", o->search }, { "continue", next }
        };
        char before = '?';

        for (size_t i = 0; i < HV_ARRAY_SIZE(parts); i++) {
                if (!parts[i].value)
                        continue;
                hv_buf_printf(path, "%c%s=", before, parts[i].name);
                hv_cli_escape_path(path, parts[i].value);
                before = '&';
        }
}

static int fetch_all(struct hv_cli *cli, enum hv_kind kind, struct fetched *f) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        const char *next = NULL;

        do {
                struct hv_json *j = NULL;
                const struct hv_json *items;
                int r;

                hv_buf_clear(&path);
                hv_buf_printf(&path, "/api/v1/%s", hv_cli_folder(kind));
                put_query(&cli->options, next, &path);
                r = hv_cli_get(cli, hv_buf_str(&path), &j);
                if (r != HV_EXIT_OK)
                        return r;
                hv_vec_push(&f->answers, j);
                items = hv_json_get(j, "items");
                for (size_t i = 0; i < hv_json_size(items); i++)
                        hv_vec_push(&f->items, hv_json_at(items, i));
                next = hv_json_str(hv_json_get(j, "metadata"), "continue");
        } while (next);
        return HV_EXIT_OK;
}

/* ---- columns ---- */

static const struct hv_json *spec(const struct hv_json *item) {
        return hv_json_get(item, "spec");
}

static const struct hv_json *status(const struct hv_json *item) {
        return hv_json_get(item, "status");
}

static const char *name_of(const struct hv_json *item) {
        const char *name = hv_json_str(hv_json_get(item, "metadata"), "name");

        return name ? name : "";
}

/* "Running", "BackOff (OOMKilled)": the phase, and the reason where it says more. */
static void cell_status(struct hv_table *t, const struct hv_json *item) {
        const char *phase = hv_json_str(status(item), "phase"), *reason = hv_json_str(status(item), "reason");

        if (!reason || hv_streq(reason, "Synced") || hv_streq(reason, "Pending") || hv_streq(reason, phase))
                hv_table_cell(t, phase);
        else
                hv_table_cellf(t, "%s (%s)", phase, reason);
}

/* The youngest change of any replica. */
static void cell_since(struct hv_table *t, const struct hv_json *item) {
        const struct hv_json *units = hv_json_get(status(item), "units");
        const char *newest = NULL;
        char age[HV_AGE_SIZE];

        for (size_t i = 0; i < hv_json_size(units); i++) {
                const char *since = hv_json_str(hv_json_at(units, i), "since");

                if (since && (!newest || strcmp(since, newest) > 0))
                        newest = since;
        }
        hv_table_cell(t, hv_output_age(newest, age));
}

static void cell_declared(struct hv_table *t, const struct hv_json *item) {
        const struct hv_json *at = hv_json_get(hv_json_get(item, "metadata"), "declaredAt");
        const char *file = hv_json_str(at, "file");

        if (file)
                hv_table_cellf(t, "%s:%d", file, (int) hv_json_int(at, "line", 0));
        else
                hv_table_cell(t, hv_json_str(at, "source"));
}

static void cell_count(struct hv_table *t, const struct hv_json *item, const char *key) {
        hv_table_cellf(t, "%d", (int) hv_json_int(status(item), key, 0));
}

static void cell_image(struct hv_table *t, const char *image) {
        hv_table_cell(t, hv_output_image(image));
}

static void cells_service(struct hv_table *t, const struct hv_json *item) {
        hv_table_cellf(t, "%d/%d", (int) hv_json_int(status(item), "replicasReady", 0),
                       (int) hv_json_int(status(item), "replicas", 0));
        cell_status(t, item);
        cell_count(t, item, "restarts");
        cell_since(t, item);
        cell_image(t, hv_json_str(spec(item), "image"));
}

static void cells_network(struct hv_table *t, const struct hv_json *item) {
        cell_status(t, item);
        hv_table_cell(t, hv_json_str(spec(item), "driver"));
        hv_table_cell(t, hv_json_str(spec(item), "subnet"));
}

static void cells_volume(struct hv_table *t, const struct hv_json *item) {
        cell_status(t, item);
        hv_table_cell(t, hv_json_str(spec(item), "driver"));
        hv_table_cell(t, hv_json_str(spec(item), "reclaim"));
}

static void cells_config(struct hv_table *t, const struct hv_json *item) {
        const struct hv_json *keys = hv_json_get(spec(item), "keys");
        int64_t bytes = 0;

        for (size_t i = 0; i < hv_json_size(keys); i++)
                bytes += hv_json_int(hv_json_at(keys, i), "bytes", 0);
        cell_status(t, item);
        hv_table_cellf(t, "%zu", hv_json_size(keys));
        hv_table_cellf(t, "%lld", (long long) bytes);
}

static void cells_image(struct hv_table *t, const struct hv_json *item) {
        cell_status(t, item);
        cell_image(t, hv_json_str(spec(item), "ref"));
        hv_table_cell(t, hv_json_bool(spec(item), "pin", false) ? "yes" : "no");
}

static void cells_registry(struct hv_table *t, const struct hv_json *item) {
        cell_status(t, item);
        hv_table_cell(t, hv_json_str(spec(item), "host"));
        hv_table_cell(t, hv_json_str(spec(item), "authSecret"));
}

/* "Failed (exitCode)": the phase, and the cause or the reason where it says more. */
static void cells_task(struct hv_table *t, const struct hv_json *item) {
        const char *started = hv_json_str(status(item), "startedAt");
        int64_t exit_code = hv_json_int(status(item), "exitCode", -1),
                attempt = hv_json_int(status(item), "attempt", 0);
        char age[HV_AGE_SIZE];

        if (hv_streq(hv_json_str(status(item), "reason"), "success"))
                hv_table_cell(t, hv_json_str(status(item), "phase"));
        else
                cell_status(t, item);
        if (exit_code >= 0)
                hv_table_cellf(t, "%d", (int) exit_code);
        else
                hv_table_cell(t, NULL);
        hv_table_cellf(t, "%d", (int) attempt);
        hv_table_cell(t, hv_output_age(hv_json_str(status(item), "acceptedAt"), age));
        hv_table_cell(t, hv_output_age(started, age));
}

static void cells_cron_task(struct hv_table *t, const struct hv_json *item) {
        char span[HV_AGE_SIZE];

        cell_status(t, item);
        hv_table_cell(t, hv_json_str(spec(item), "schedule"));
        hv_table_cell(t, hv_output_until(hv_json_str(status(item), "next"), span));
        cell_image(t, hv_json_str(spec(item), "image"));
}

static void cells_wireguard(struct hv_table *t, const struct hv_json *item) {
        const struct hv_json *addresses = hv_json_get(spec(item), "addresses");

        cell_status(t, item);
        hv_table_cell(t, hv_json_as_str(hv_json_at(addresses, 0)));
        hv_table_cellf(t, "%d", (int) hv_json_int(spec(item), "peers", 0));
}

struct column {
        const char *heading;
        unsigned flags;
};

/* Columns after the name, and what fills them. */
static const struct layout {
        enum hv_kind kind;
        struct column columns[6];
        void (*cells)(struct hv_table *t, const struct hv_json *item);
} layouts[] = {
        { HV_KIND_SERVICE,
          { { "READY", HV_TABLE_RIGHT },
            { "STATUS", 0 },
            { "RESTARTS", HV_TABLE_RIGHT },
            { "SINCE", HV_TABLE_RIGHT },
            { "IMAGE", HV_TABLE_CUT_START } },
          cells_service },
        { HV_KIND_NETWORK, { { "STATUS", 0 }, { "DRIVER", 0 }, { "SUBNET", 0 } }, cells_network },
        { HV_KIND_VOLUME, { { "STATUS", 0 }, { "DRIVER", 0 }, { "RECLAIM", 0 } }, cells_volume },
        { HV_KIND_SECRET, { { "STATUS", 0 } }, cell_status },
        { HV_KIND_CONFIG,
          { { "STATUS", 0 }, { "KEYS", HV_TABLE_RIGHT }, { "BYTES", HV_TABLE_RIGHT } },
          cells_config },
        { HV_KIND_IMAGE, { { "STATUS", 0 }, { "REF", HV_TABLE_CUT_START }, { "PINNED", 0 } }, cells_image },
        { HV_KIND_REGISTRY, { { "STATUS", 0 }, { "HOST", HV_TABLE_CUT }, { "LOGIN", 0 } }, cells_registry },
        { HV_KIND_TASK,
          { { "STATUS", 0 },
            { "EXIT", HV_TABLE_RIGHT },
            { "ATTEMPT", HV_TABLE_RIGHT },
            { "AGE", HV_TABLE_RIGHT },
            { "STARTED", HV_TABLE_RIGHT } },
          cells_task },
        { HV_KIND_CRONTASK,
          { { "STATUS", 0 }, { "SCHEDULE", 0 }, { "NEXT", HV_TABLE_RIGHT }, { "IMAGE", HV_TABLE_CUT_START } },
          cells_cron_task },
        { HV_KIND_WIREGUARD,
          { { "STATUS", 0 }, { "ADDRESS", 0 }, { "PEERS", HV_TABLE_RIGHT } },
          cells_wireguard },
};

static const struct layout *layout_of(enum hv_kind kind) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(layouts); i++) {
                if (layouts[i].kind == kind)
                        return &layouts[i];
        }
        return NULL;
}

/* with_type: names as "service/web", where one answer holds several tables. */
static void print_table(struct hv_cli *cli, enum hv_kind kind, const struct fetched *f, bool wide,
                        bool with_type) {
        _hv_cleanup_(hv_table_freep) struct hv_table *t = hv_table_new();
        const struct layout *layout = layout_of(kind);

        hv_table_column(t, "NAME", 0);
        for (size_t i = 0; i < HV_ARRAY_SIZE(layout->columns) && layout->columns[i].heading; i++)
                hv_table_column(t, layout->columns[i].heading, layout->columns[i].flags);
        if (wide &&
            kind != HV_KIND_TASK) /* runs are declared nowhere: their source says where they come from */
                hv_table_column(t, "DECLARED", HV_TABLE_CUT_START);
        if (wide) {
                hv_table_column(t, "MESSAGE", HV_TABLE_CUT);
        }
        for (size_t i = 0; i < f->items.n; i++) {
                const struct hv_json *item = f->items.v[i];

                hv_table_row(t);
                if (with_type)
                        hv_table_cellf(t, "%s/%s", hv_kind_label(kind), name_of(item));
                else
                        hv_table_cell(t, name_of(item));
                layout->cells(t, item);
                if (wide && kind != HV_KIND_TASK)
                        cell_declared(t, item);
                if (wide) {
                        hv_table_cell(t, hv_json_str(status(item), "message"));
                }
        }
        hv_output_table(cli, t);
}

/* ---- the verb ---- */

#define WORDS_MAX 16

struct wanted {
        struct hv_cli_object v[WORDS_MAX];
        size_t n;
};

static void want(struct wanted *w, enum hv_kind kind, const char *name) {
        if (w->n < WORDS_MAX)
                w->v[w->n++] = (struct hv_cli_object){ .kind = kind, .name = name };
}

/* "svc", "svc web db", "svc/web net/backend", "svc,net", "all" */
static int read_words(struct hv_cli *cli, char **list, struct wanted *w) {
        const struct hv_cli_options *o = &cli->options;
        struct hv_cli_object object;
        char *rest = NULL;
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "what is to be shown? For example: hivectl get services");
        if (hv_streq(o->args[0], "all") && o->n_args == 1) {
                for (size_t i = 0; i < HV_ARRAY_SIZE(layouts); i++)
                        want(w, layouts[i].kind, NULL);
                return HV_EXIT_OK;
        }
        if (strchr(o->args[0], '/')) {
                for (size_t i = 0; i < o->n_args; i++) {
                        r = hv_cli_object(cli, o->args[i], NULL, &object);
                        if (r != HV_EXIT_OK)
                                return r;
                        want(w, object.kind, object.name);
                }
                return HV_EXIT_OK;
        }
        *list = hv_strdup(o->args[0]);
        for (char *word = strtok_r(*list, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
                r = hv_cli_object(cli, word, NULL, &object);
                if (r != HV_EXIT_OK)
                        return r;
                for (size_t i = 1; i < o->n_args; i++)
                        want(w, object.kind, o->args[i]);
                if (o->n_args == 1)
                        want(w, object.kind, NULL);
        }
        return w->n > 0 ? HV_EXIT_OK : hv_cli_usage(cli, "what is to be shown?");
}

static void print_names(enum hv_kind kind, const struct fetched *f) {
        for (size_t i = 0; i < f->items.n; i++)
                (void) printf("%s/%s\n", hv_kind_label(kind), name_of(f->items.v[i]));
}

/* "app=web", "app!=web", "app", "!app" */
static bool has_label(const struct hv_json *labels, const char *want) {
        size_t name_len = strcspn(want, "=!");
        bool is_negated = want[name_len] == '!' && want[name_len + 1] == '=';
        _hv_cleanup_free_ char *name = NULL;
        const char *value, *wanted = want + name_len;

        if (*want == '!' && want[1] != '=')
                return !hv_json_get(labels, want + 1);
        name = hv_strndup(want, name_len);
        value = hv_json_str(labels, name);
        wanted += is_negated ? 2 : *wanted == '=' ? 1 + (wanted[1] == '=') : 0;
        if (!want[name_len])
                return value != NULL;
        return is_negated != hv_streq(value, wanted);
}

static bool is_selected(const char *selector, const struct hv_json *item) {
        const struct hv_json *labels = hv_json_get(hv_json_get(item, "metadata"), "labels");
        _hv_cleanup_free_ char *copy = hv_strdup(selector);
        char *rest = NULL;

        for (char *want = copy ? strtok_r(copy, ",", &rest) : NULL; want; want = strtok_r(NULL, ",", &rest))
                if (!has_label(labels, want))
                        return false;
        return true;
}

static void select_items(const char *selector, struct fetched *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->items.n; i++)
                if (is_selected(selector, f->items.v[i]))
                        f->items.v[n++] = f->items.v[i];
        f->items.n = n;
}

/* All of one kind that the words name, in their order. */
static int fetch_kind(struct hv_cli *cli, const struct wanted *w, size_t *i, struct fetched *f) {
        enum hv_kind kind = w->v[*i].kind;

        for (; *i < w->n && w->v[*i].kind == kind; (*i)++) {
                int r = w->v[*i].name ? fetch_one(cli, kind, w->v[*i].name, f) : fetch_all(cli, kind, f);

                if (r != HV_EXIT_OK)
                        return r;
        }
        select_items(cli->options.selector, f);
        return HV_EXIT_OK;
}

/* Of what nobody declared there is no document, nor of kinds of which the API keeps the texts to itself. */
static bool has_document(const struct wanted *w, const struct hv_json *item) {
        enum hv_kind kind = w->v[0].kind;

        return w->n == 1 && w->v[0].name && kind != HV_KIND_TASK && kind != HV_KIND_SECRET &&
               kind != HV_KIND_CONFIG &&
               hv_json_type(hv_json_get(hv_json_get(item, "metadata"), "declaredAt")) == HV_JSON_OBJECT;
}

static int print_documents(struct hv_cli *cli, const struct wanted *w, enum hv_output_format format) {
        _hv_cleanup_(fetched_done) struct fetched f = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *list = NULL;
        struct hv_json_writer writer = { .buf = &buf };

        for (size_t i = 0; i < w->n;) {
                int r = fetch_kind(cli, w, &i, &f);

                if (r != HV_EXIT_OK)
                        return r;
        }
        if (f.answers.n == 1 && !cli->options.selector && format == HV_OUTPUT_YAML &&
            has_document(w, f.answers.v[0]))
                return hv_cli_print_declared(cli, w->v[0].kind, w->v[0].name, status(f.answers.v[0]));
        if (f.answers.n == 1 && !cli->options.selector) {
                hv_output_document(cli, f.answers.v[0], format);
                return HV_EXIT_OK;
        }
        hv_json_begin_object(&writer, NULL);
        hv_json_put_str(&writer, "apiVersion", "hivelet/v1");
        hv_json_put_str(&writer, "kind", "List");
        hv_json_begin_array(&writer, "items");
        for (size_t i = 0; i < f.items.n; i++)
                hv_json_put_json(&writer, NULL, f.items.v[i]);
        hv_json_end(&writer);
        hv_json_end(&writer);
        if (hv_json_parse(buf.data, buf.len, SIZE_MAX, &list, NULL) == 0)
                hv_output_document(cli, list, format);
        return HV_EXIT_OK;
}

/* ---- watching ---- */

struct watcher {
        struct hv_cli *cli;
        const struct wanted *wanted;
        struct hv_event_stream events;
        HV_VEC(char *) shown; /* "service/web" and its text, as it was shown last: pairs */
        bool is_due;
        int result;
};

static bool is_news(struct watcher *w, const char *key, const char *text) {
        for (size_t i = 0; i + 1 < w->shown.n; i += 2) {
                if (!hv_streq(w->shown.v[i], key))
                        continue;
                if (hv_streq(w->shown.v[i + 1], text))
                        return false;
                free(w->shown.v[i + 1]);
                w->shown.v[i + 1] = hv_strdup(text);
                return true;
        }
        hv_vec_push(&w->shown, hv_strdup(key));
        hv_vec_push(&w->shown, hv_strdup(text));
        return true;
}

/* Those that differ from what was shown of them. */
static void keep_news(struct watcher *w, enum hv_kind kind, struct fetched *f) {
        size_t n = 0;

        for (size_t i = 0; i < f->items.n; i++) {
                _hv_cleanup_free_ char *key =
                        hv_asprintf("%s/%s", hv_kind_label(kind), name_of(f->items.v[i]));
                _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

                hv_json_dump(status(f->items.v[i]), &text);
                hv_json_dump(spec(f->items.v[i]), &text);
                if (is_news(w, key, hv_buf_str(&text)))
                        f->items.v[n++] = f->items.v[i];
        }
        f->items.n = n;
}

static int show_kinds(struct hv_cli *cli, const struct wanted *w, struct watcher *watcher);

static int show_news(struct watcher *w) {
        int r = show_kinds(w->cli, w->wanted, w);

        w->cli->options.given |= HV_OPT_BIT(HV_OPT_NO_HEADERS); /* they were shown */
        (void) fflush(stdout);
        return r;
}

static void on_watch_event(void *userdata, const char *id, const char *event, const char *data) {
        struct watcher *w = userdata;

        (void) id;
        (void) data;
        if (!hv_streq(event, "status"))
                return;
        w->is_due = true;
        hv_client_stop(w->cli->client);
}

static void on_watch_data(void *userdata, const char *data, size_t len) {
        struct watcher *w = userdata;

        hv_event_stream_add(&w->events, data, len);
}

static void on_watch_end(void *userdata, const struct hv_client_answer *answer, const struct hv_err *err) {
        struct watcher *w = userdata;

        w->result = hv_cli_stream_end(w->cli, answer, err, "the agent ended");
        hv_client_stop(w->cli->client);
}

static uint64_t now_us(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * HV_USEC_PER_SEC + (uint64_t) now.tv_nsec / 1000;
}

/* Until something moves, or the time that it may take all in all is over. */
static int wait_for_news(struct hv_cli *cli, uint64_t begin_us) {
        uint64_t max_us = hv_option_is_given(&cli->options, HV_OPT_TIMEOUT) ? cli->options.timeout_us : 0,
                 gone_us = now_us() - begin_us;
        int r = -ETIMEDOUT;

        if (max_us == 0 || gone_us < max_us)
                r = hv_client_run(cli->client, max_us ? max_us - gone_us : 0);
        return r == -ETIMEDOUT ? HV_EXIT_TIMED_OUT : r < 0 ? HV_EXIT_ERROR : HV_EXIT_OK;
}

/* An event says that something moved; what, the lists tell. */
static int watch(struct hv_cli *cli, const struct wanted *wanted) {
        struct watcher w = { .cli = cli, .wanted = wanted, .is_due = true };
        const struct hv_client_stream stream = {
                .path = "/api/v1/watch",
                .accept = "text/event-stream",
                .on_data = on_watch_data,
                .on_end = on_watch_end,
                .userdata = &w,
        };
        uint64_t begin_us = now_us();
        struct hv_err err = {};
        int r = hv_cli_connect(cli);

        w.events.on_event = on_watch_event;
        w.events.userdata = &w;
        if (r == HV_EXIT_OK && hv_client_stream_start(cli->client, &stream, &err) < 0)
                r = hv_cli_fail(cli, HV_EXIT_ERROR, "%s", err.msg);
        while (r == HV_EXIT_OK && w.result == HV_EXIT_OK) {
                if (w.is_due) {
                        w.is_due = false;
                        r = show_news(&w);
                } else
                        r = wait_for_news(cli, begin_us);
        }
        hv_event_stream_done(&w.events);
        for (size_t i = 0; i < w.shown.n; i++)
                free(w.shown.v[i]);
        hv_vec_done(&w.shown);
        return r == HV_EXIT_OK ? w.result : r;
}

/* ---- the verb ---- */

/* watcher: only what is new, and headings once; NULL: all. */
static int show_kinds(struct hv_cli *cli, const struct wanted *w, struct watcher *watcher) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        bool several = w->v[0].kind != w->v[w->n - 1].kind;
        size_t n_tables = 0;

        for (size_t i = 0; i < w->n;) {
                _hv_cleanup_(fetched_done) struct fetched f = {};
                enum hv_kind kind = w->v[i].kind;
                int r = fetch_kind(cli, w, &i, &f);

                if (r != HV_EXIT_OK)
                        return r;
                if (watcher)
                        keep_news(watcher, kind, &f);
                if (hv_output_is_document(format)) {
                        for (size_t k = 0; k < f.items.n; k++)
                                hv_output_document(cli, f.items.v[k],
                                                   format == HV_OUTPUT_JSON ? HV_OUTPUT_JSONL : format);
                } else if (format == HV_OUTPUT_NAME)
                        print_names(kind, &f);
                else if (f.items.n > 0) {
                        if (n_tables++ > 0 && !watcher)
                                (void) putchar('\n');
                        print_table(cli, kind, &f, format == HV_OUTPUT_WIDE, several);
                } else if (!several && !watcher)
                        hv_cli_note(cli, "there are no %s%s", hv_cli_folder(kind),
                                    cli->options.selector ? " with these labels" : "");
        }
        return HV_EXIT_OK;
}

int hv_cmd_get(struct hv_cli *cli) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_free_ char *list = NULL;
        struct wanted w = {};
        int r = read_words(cli, &list, &w);

        if (r != HV_EXIT_OK)
                return r;
        if (hv_option_is_given(&cli->options, HV_OPT_WATCH))
                return watch(cli, &w);
        return hv_output_is_document(format) ? print_documents(cli, &w, format) : show_kinds(cli, &w, NULL);
}
