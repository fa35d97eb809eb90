#include "http/openapi.h"

#include <ctype.h>
#include <microhttpd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "http/accept.h"
#include "http/server.h"
#include "spec/node.h"
#include "spec/yaml.h"
#include "json/write.h"

/* api/components.yaml as it is, from the build. */
__asm__(".section .rodata\n"
        "hv_openapi_components:\n"
        ".incbin \"" HV_OPENAPI_COMPONENTS "\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char hv_openapi_components[];

#define REF "{$ref: \"#/components/%s/%.*s\"}"

/* As JSON writes it, which is YAML. */
static void add_text(struct hv_buf *out, const char *text) {
        struct hv_json_writer w = { .buf = out };

        hv_json_put_str(&w, NULL, text);
}

/* --- parameters --------------------------------------------------------------------------------------------------- */

/* "/tasks/{name}/results/{path...}" -> "/tasks/{name}/results/{path}" */
static void add_path(struct hv_buf *out, const char *pattern) {
        for (const char *p = pattern; *p; p++)
                if (hv_has_prefix(p, "...}"))
                        p += 2;
                else
                        hv_buf_putc(out, *p);
}

static void add_path_parameters(struct hv_buf *out, const char *pattern) {
        const char *before = "    parameters:\n";

        for (const char *p = strchr(pattern, '{'); p; p = strchr(p, '{')) {
                size_t len = strcspn(++p, ".}");

                hv_buf_printf(
                        out, "%s      - {name: %.*s, in: path, required: true, schema: {type: string}%s}\n",
                        before, (int) len, p,
                        p[len] == '.' ? ", description: \"the rest of the path, slashes included\"" : "");
                before = "";
        }
}

static void add_parameters(struct hv_buf *out, const struct hv_http_route *route) {
        bool changes = hv_http_route_changes(route);

        if (route->parameters || changes)
                hv_buf_puts(out, "      parameters:\n");
        for (const struct hv_http_parameter *p = route->parameters; p && p->name; p++) {
                hv_buf_printf(out, "        - {name: %s, in: %s, schema: %s", p->name,
                              p->is_header ? "header" : "query", p->schema);
                if (p->text) {
                        hv_buf_puts(out, ", description: ");
                        add_text(out, p->text);
                }
                hv_buf_puts(out, "}\n");
        }
        if (changes)
                hv_buf_puts(
                        out,
                        "        - {name: If-Match, in: header, schema: {type: string}, description: \"an ETag "
                        "of the node as it was seen, or a revision: 412 where it is another one now\"}\n");
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void add_content(struct hv_buf *out, const char *words, bool as_yaml) {
        const char *before = ", content: {";

        if (!*words)
                return;
        for (size_t len; *words; words += len, words += strspn(words, " ")) {
                len = strcspn(words, " ");
                if (memchr(words, '/', len))
                        hv_buf_printf(out, "%s%.*s: {schema: {type: string}}", before, (int) len, words);
                else {
                        hv_buf_printf(out, "%sapplication/json: {schema: " REF "}", before, "schemas",
                                      (int) len, words);
                        if (as_yaml)
                                hv_buf_printf(out, ", application/yaml: {schema: " REF "}", "schemas",
                                              (int) len, words);
                }
                before = ", ";
        }
        hv_buf_putc(out, '}');
}

static void add_answer(struct hv_buf *out, unsigned status, const char *words, const char *problem,
                       bool as_yaml) {
        const char *response = *words ? words : problem;

        hv_buf_printf(out, "        \"%u\": ", status);
        if (status == 304)
                hv_buf_printf(out, REF, "responses", 11, "NotModified");
        else if (status >= 400)
                hv_buf_printf(out, REF, "responses", (int) strlen(response), response);
        else {
                hv_buf_printf(out, "{description: %s", MHD_get_reason_phrase_for(status));
                add_content(out, words, as_yaml);
                hv_buf_putc(out, '}');
        }
        hv_buf_putc(out, '\n');
}

static void add_answers(struct hv_buf *out, const struct hv_http_route *route) {
        const char *problem = hv_http_is_older_path(route->path) ? "OlderProblem" : "Problem";
        _hv_cleanup_free_ char *answers = hv_strdup(route->answers);
        char *rest = NULL;

        hv_buf_puts(out, "      responses:\n");
        for (char *answer = strtok_r(answers, ",", &rest); answer; answer = strtok_r(NULL, ",", &rest)) {
                char *words = NULL;
                unsigned long status = strtoul(answer, &words, 10);

                add_answer(out, (unsigned) status, words + strspn(words, " "), problem,
                           hv_http_route_gives_yaml(route));
        }
        if (hv_http_route_changes(route))
                add_answer(out, 412, "", problem, false);
        hv_buf_printf(out, "        default: " REF "\n", "responses", (int) strlen(problem), problem);
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static void add_role(struct hv_buf *out, const struct hv_http_route *route) {
        const char *role = hv_http_role_name(route->role);

        hv_buf_printf(out, "      x-role: %s\n", role);
        if (route->flags & HV_HTTP_SOCKET_ONLY)
                hv_buf_puts(out, "      x-socket-only: true\n");
        if (route->role == HV_HTTP_ROLE_ANYONE)
                hv_buf_puts(out, "      security: []\n");
        else
                hv_buf_printf(out, "      security: [{bearer: [%s]}, {session: [%s]}]\n", role, role);
}

static void add_operation(struct hv_buf *out, const struct hv_http_route *route) {
        hv_buf_puts(out, "    ");
        for (const char *p = hv_http_method_name(route->method); *p; p++)
                hv_buf_putc(out, (char) tolower(*p));
        hv_buf_printf(out, ":\n      tags: [%s]\n      summary: ", route->tag);
        add_text(out, route->summary);
        if (route->details) {
                hv_buf_puts(out, "\n      description: ");
                add_text(out, route->details);
        }
        hv_buf_putc(out, '\n');
        add_role(out, route);
        add_parameters(out, route);
        if (route->body)
                hv_buf_printf(out, "      requestBody: " REF "\n", "requestBodies", (int) strlen(route->body),
                              route->body);
        add_answers(out, route);
}

/* The index of the first route of this path. */
static size_t first_of(const struct hv_http_server *server, const char *path) {
        size_t i = 0;

        while (!hv_streq(hv_http_server_route(server, i)->path, path))
                i++;
        return i;
}

void hv_openapi_yaml(const struct hv_http_server *server, struct hv_buf *ret) {
        const struct hv_http_route *route, *other;

        hv_buf_puts(ret, hv_openapi_components);
        hv_buf_puts(ret, "\npaths:\n");
        for (size_t i = 0; (route = hv_http_server_route(server, i)); i++) {
                if (first_of(server, route->path) != i)
                        continue;
                hv_buf_puts(ret, "  ");
                add_path(ret, route->path);
                hv_buf_puts(ret, ":\n");
                add_path_parameters(ret, route->path);
                for (size_t j = i; (other = hv_http_server_route(server, j)); j++)
                        if (hv_streq(other->path, route->path))
                                add_operation(ret, other);
        }
}

void hv_openapi_json(const struct hv_http_server *server, struct hv_buf *ret) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        _hv_cleanup_(hv_diags_freep) struct hv_diags *d = hv_diags_new();
        struct hv_node *documents = hv_node_new(a, HV_NODE_SEQUENCE, (struct hv_pos){ 0 });
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_openapi_yaml(server, &text);
        hv_yaml_read(a, d, hv_diags_add_file(d, "openapi.yaml", hv_buf_str(&text), text.len),
                     hv_buf_str(&text), text.len, documents);
        /* What the build made is YAML: test_api_routes reads it. */
        hv_node_write_json(documents->items[0], ret);
        hv_buf_putc(ret, '\n');
}
