#include "http/router.h"

#include <errno.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/vec.h"

/* One segment of a pattern: text, a parameter, or a parameter that takes the rest. */
struct segment {
        enum {
                SEGMENT_TEXT,
                SEGMENT_PARAM,
                SEGMENT_REST,
        } kind;
        const char *text; /* or the parameter's name */
};

struct entry {
        const struct hv_http_route *route;
        void *userdata;
        struct segment segment[HV_HTTP_SEGMENTS_MAX];
        size_t n;
};

struct hv_http_router {
        struct hv_arena *arena; /* of the patterns' pieces */
        HV_VEC(struct entry *) entries;
};

static const struct {
        enum hv_http_method method;
        const char *name;
} METHODS[] = {
        { HV_HTTP_GET, "GET" },
        { HV_HTTP_POST, "POST" },
        { HV_HTTP_PUT, "PUT" },
        { HV_HTTP_DELETE, "DELETE" },
};

const char *hv_http_method_name(enum hv_http_method method) {
        for (size_t i = 0; i < HV_ARRAY_SIZE(METHODS); i++)
                if (METHODS[i].method == method)
                        return METHODS[i].name;
        return NULL;
}

bool hv_http_route_changes(const struct hv_http_route *route) {
        return route->method != HV_HTTP_GET && route->role >= HV_HTTP_ROLE_OPERATOR &&
               !(route->flags & HV_HTTP_JUDGES);
}

const char *hv_http_role_name(enum hv_http_role role) {
        static const char *const NAMES[] = { "undeclared", "anyone", "viewer", "operator", "admin" };

        return NAMES[role];
}

bool hv_http_is_older_path(const char *path) {
        return hv_has_prefix(path, "/api/") && !(path[5] == 'v' && path[6] >= '1' && path[6] <= '9');
}

const char *hv_http_allow_text(struct hv_arena *arena, unsigned methods) {
        struct hv_buf text = {};
        const char *kept;

        for (size_t i = 0; i < HV_ARRAY_SIZE(METHODS); i++)
                if (methods & METHODS[i].method)
                        hv_buf_printf(&text, "%s%s%s", text.len ? ", " : "", METHODS[i].name,
                                      METHODS[i].method == HV_HTTP_GET ? ", HEAD" : "");
        kept = hv_arena_strdup(arena, hv_buf_str(&text));
        hv_buf_done(&text);
        return kept;
}

struct hv_http_router *hv_http_router_new(void) {
        struct hv_http_router *router = HV_NEW(struct hv_http_router);

        router->arena = hv_arena_new();
        return router;
}

struct hv_http_router *hv_http_router_free(struct hv_http_router *router) {
        if (!router)
                return NULL;
        hv_vec_done(&router->entries);
        (void) hv_arena_free(router->arena);
        free(router);
        return NULL;
}

static int read_segment(struct hv_arena *arena, const char *s, size_t len, struct segment *ret) {
        struct segment segment = { SEGMENT_TEXT, NULL };
        size_t name_len = len - 2;

        if (len == 0)
                return -EINVAL;
        if (s[0] != '{') {
                segment.text = hv_arena_strndup(arena, s, len);
                *ret = segment;
                return strpbrk(segment.text, "{}%?") ? -EINVAL : 0;
        }
        if (len < 3 || s[len - 1] != '}')
                return -EINVAL;
        segment.kind = SEGMENT_PARAM;
        if (len > 5 && strncmp(s + len - 4, "...", 3) == 0) {
                segment.kind = SEGMENT_REST;
                name_len -= 3;
        }
        segment.text = hv_arena_strndup(arena, s + 1, name_len);
        *ret = segment;
        return strpbrk(segment.text, "{}.%?") ? -EINVAL : 0;
}

static int read_pattern(struct hv_arena *arena, const char *pattern, struct entry *ret, struct hv_err *err) {
        size_t n_params = 0;

        if (hv_str_empty(pattern) || pattern[0] != '/')
                return hv_err_set(err, -EINVAL, "route \"%s\" does not begin with /", pattern ?: "");
        for (const char *p = pattern + 1; pattern[1];) {
                size_t len = strcspn(p, "/");

                if (ret->n == HV_HTTP_SEGMENTS_MAX || read_segment(arena, p, len, &ret->segment[ret->n]) < 0)
                        return hv_err_set(err, -EINVAL, "route \"%s\": segment %zu is no text and no {name}",
                                          pattern, ret->n + 1);
                n_params += ret->segment[ret->n].kind != SEGMENT_TEXT;
                ret->n++;
                if (p[len] == '\0')
                        break;
                if (ret->segment[ret->n - 1].kind == SEGMENT_REST)
                        return hv_err_set(err, -EINVAL, "route \"%s\": {name...} is not the last segment",
                                          pattern);
                p += len + 1;
        }
        if (n_params > HV_HTTP_PARAMS_MAX)
                return hv_err_set(err, -EINVAL, "route \"%s\" has more than %d parameters", pattern,
                                  HV_HTTP_PARAMS_MAX);
        return 0;
}

/* The same requests would fit both. */
static bool is_same_shape(const struct entry *a, const struct entry *b) {
        if (a->n != b->n)
                return false;
        for (size_t i = 0; i < a->n; i++)
                if (a->segment[i].kind != b->segment[i].kind ||
                    (a->segment[i].kind == SEGMENT_TEXT && !hv_streq(a->segment[i].text, b->segment[i].text)))
                        return false;
        return true;
}

int hv_http_router_add(struct hv_http_router *router, const struct hv_http_route *route, void *userdata,
                       struct hv_err *err) {
        struct entry entry = { .route = route, .userdata = userdata };
        int r;

        r = read_pattern(router->arena, route->path, &entry, err);
        if (r < 0)
                return r;
        if (!hv_http_method_name(route->method))
                return hv_err_set(err, -EINVAL, "route \"%s\" declares no method", route->path);
        if (route->role <= HV_HTTP_ROLE_UNDECLARED || route->role > HV_HTTP_ROLE_ADMIN)
                return hv_err_set(err, -EINVAL, "route \"%s %s\" declares no role",
                                  hv_http_method_name(route->method), route->path);
        if (!route->handle)
                return hv_err_set(err, -EINVAL, "route \"%s\" has no handler", route->path);
        for (size_t i = 0; i < router->entries.n; i++)
                if (router->entries.v[i]->route->method == route->method &&
                    is_same_shape(router->entries.v[i], &entry))
                        return hv_err_set(err, -EINVAL, "route \"%s %s\" is there already as \"%s\"",
                                          hv_http_method_name(route->method), route->path,
                                          router->entries.v[i]->route->path);
        hv_vec_push(&router->entries, hv_arena_memdup(router->arena, &entry, sizeof entry));
        return 0;
}

const struct hv_http_route *hv_http_router_at(const struct hv_http_router *router, size_t index) {
        return index < router->entries.n ? router->entries.v[index]->route : NULL;
}

static bool fits(const struct entry *e, const struct hv_http_path *path) {
        for (size_t i = 0; i < e->n; i++) {
                if (e->segment[i].kind == SEGMENT_REST)
                        return path->n > i;
                if (i >= path->n)
                        return false;
                if (e->segment[i].kind == SEGMENT_TEXT ? !hv_streq(e->segment[i].text, path->segment[i])
                                                       : hv_str_empty(path->segment[i]))
                        return false;
        }
        return e->n == path->n;
}

/* Both fit the same path: the one whose first different segment is less general. Kinds are in the order of generality. */
static bool is_closer(const struct entry *a, const struct entry *b) {
        for (size_t i = 0; i < HV_MIN(a->n, b->n); i++)
                if (a->segment[i].kind != b->segment[i].kind)
                        return a->segment[i].kind < b->segment[i].kind;
        return a->n > b->n;
}

static const char *join_rest(struct hv_arena *arena, const struct hv_http_path *path, size_t from) {
        struct hv_buf text = {};
        const char *kept;

        for (size_t i = from; i < path->n; i++)
                hv_buf_printf(&text, "%s%s", i > from ? "/" : "", path->segment[i]);
        kept = hv_arena_strdup(arena, hv_buf_str(&text));
        hv_buf_done(&text);
        return kept;
}

static void fill_params(const struct entry *e, const struct hv_http_path *path, struct hv_arena *arena,
                        struct hv_http_match *match) {
        for (size_t i = 0; i < e->n; i++) {
                if (e->segment[i].kind == SEGMENT_TEXT)
                        continue;
                match->param[match->n_params].name = e->segment[i].text;
                match->param[match->n_params].value =
                        e->segment[i].kind == SEGMENT_REST ? join_rest(arena, path, i) : path->segment[i];
                match->n_params++;
        }
}

void hv_http_router_match(const struct hv_http_router *router, enum hv_http_method method,
                          const struct hv_http_path *path, bool with_socket_only, struct hv_arena *arena,
                          struct hv_http_match *ret) {
        struct hv_http_match match = {};
        const struct entry *best = NULL;

        for (size_t i = 0; i < router->entries.n; i++) {
                const struct entry *e = router->entries.v[i];

                if (((e->route->flags & HV_HTTP_SOCKET_ONLY) && !with_socket_only) || !fits(e, path))
                        continue;
                match.allowed |= e->route->method;
                if (e->route->method == method && (!best || is_closer(e, best)))
                        best = e;
        }
        if (best) {
                match.route = best->route;
                match.userdata = best->userdata;
                fill_params(best, path, arena, &match);
        }
        *ret = match;
}
