/* Short forms of Docker's command line, which units of quadlet and compose files have too. */
#include <ctype.h>
#include <stdio.h>

#include "base/quantity.h"
#include "cli/convert.h"

/* Quotes hold blanks together and are not part of the word; a backslash takes what follows for itself. sh(1), 2.2: within single
 * quotes it is one, within double quotes it counts before $ ` " and itself. */
static bool is_escape(const char *text, bool as_shell, char quote) {
        if (*text != '\\' || !text[1])
                return false;
        return !as_shell || !quote || (quote == '"' && strchr("$`\"\\", text[1]));
}

void hv_convert_split(struct hv_convert *c, const char *text, bool as_shell, struct hv_convert_words *ret) {
        while (*(text += strspn(text, " \t\n"))) {
                _hv_cleanup_(hv_buf_done) struct hv_buf word = {};
                char quote = '\0';

                for (; *text && (quote || !strchr(" \t\n", *text)); text++) {
                        if (quote ? *text == quote : *text == '"' || *text == '\'')
                                quote = quote ? '\0' : *text;
                        else if (is_escape(text, as_shell, quote))
                                hv_buf_putc(&word, *++text);
                        else
                                hv_buf_putc(&word, *text);
                }
                hv_vec_push(&ret->v, hv_arena_strdup(c->arena, hv_buf_str(&word)));
        }
}

const char *hv_convert_bytes(struct hv_convert *c, const char *text) {
        char size[HV_QUANTITY_SIZE];
        uint64_t bytes;

        if (hv_quantity_parse_docker_bytes(text, &bytes) != HV_PARSE_OK)
                return text;
        hv_quantity_format_bytes(bytes, size);
        return hv_arena_strdup(c->arena, size);
}

const char *hv_convert_signal(const char *text) {
        return text && hv_has_prefix(text, "SIG") ? text + strlen("SIG") : text;
}

void hv_convert_put_pair(struct hv_convert *c, const char *pair) {
        const char *equals = strchr(pair, '=');

        hv_json_begin_object(&c->w, NULL);
        hv_convert_put(&c->w, "name",
                       equals ? hv_arena_strndup(c->arena, pair, (size_t) (equals - pair)) : pair);
        hv_convert_put(&c->w, "value", equals ? equals + 1 : "");
        hv_json_end(&c->w);
}

/* ---- ports ---- */

void hv_convert_read_port(struct hv_convert *c, const char *text, struct hv_convert_port *ret) {
        char *s = hv_arena_strdup(c->arena, text), *slash = strchr(s, '/'), *colon, *host = NULL,
             *address = NULL;

        if (slash)
                *slash++ = '\0';
        colon = strrchr(s, ':');
        if (colon) {
                *colon = '\0';
                host = strrchr(s, ':');
                if (host) {
                        *host++ = '\0';
                        address = s;
                } else
                        host = s;
        }
        if (address && *address == '[') {
                address++;
                address[strcspn(address, "]")] = '\0';
        }
        *ret = (struct hv_convert_port){
                .container = colon ? colon + 1 : s,
                .host = hv_str_empty(host) ? NULL : host,
                .address = address,
                .protocol = slash,
        };
}

struct range {
        unsigned first, last;
};

static bool read_range(const char *text, struct range *ret) {
        int n = 0, taken = sscanf(text, "%5u%n-%5u%n", &ret->first, &n, &ret->last, &n);

        if (taken == 1)
                ret->last = ret->first;
        return taken >= 1 && !text[n] && isdigit((unsigned char) *text) && ret->first <= ret->last &&
               ret->last <= UINT16_MAX;
}

static void put_one(struct hv_convert *c, const struct hv_convert_port *p, const char *container,
                    const char *host) {
        struct hv_json_writer *w = &c->w;
        bool is_any =
                hv_str_empty(p->address) || hv_streq(p->address, "0.0.0.0") || hv_streq(p->address, "::");

        hv_json_begin_object(w, NULL);
        hv_convert_put(w, "name", p->name);
        hv_convert_put_number(w, "container", container);
        hv_convert_put(w, "host", host);
        hv_convert_put(w, "bind", is_any ? "public" : p->address);
        hv_convert_put(w, "protocol", p->protocol);
        hv_json_end(w);
}

/* A range of the host for one port of the container: hivelet wants one for each replica. */
static const char *host_of(struct hv_convert *c, unsigned line, const char *what,
                           const struct hv_convert_port *p) {
        unsigned replicas = HV_MAX(p->replicas, 1u), n;
        struct range r;

        if (!p->host || !read_range(p->host, &r) || (n = r.last - r.first + 1) <= replicas)
                return p->host;
        hv_convert_note(c, line, "%s: of the host's ports %s the first %u %s taken, one for each replica",
                        what, p->host, replicas, replicas == 1 ? "is" : "are");
        return replicas == 1 ? hv_arena_printf(c->arena, "%u", r.first)
                             : hv_arena_printf(c->arena, "%u-%u", r.first, r.first + replicas - 1);
}

void hv_convert_put_port(struct hv_convert *c, unsigned line, const char *what,
                         const struct hv_convert_port *port) {
        struct range inside, outside;

        if (!read_range(port->container, &inside) || inside.first == inside.last) {
                put_one(c, port, port->container, host_of(c, line, what, port));
                return;
        }
        if (port->host && (!read_range(port->host, &outside) ||
                           outside.last - outside.first != inside.last - inside.first)) {
                hv_convert_note(c, line, "%s: ports %s of the host do not fit %s: it is not carried over",
                                what, port->host, port->container);
                return;
        }
        for (unsigned i = 0; i <= inside.last - inside.first; i++) {
                struct hv_convert_port one = *port;

                if (i > 0)
                        one.name = NULL; /* a name is for one */
                put_one(c, &one, hv_arena_printf(c->arena, "%u", inside.first + i),
                        port->host ? hv_arena_printf(c->arena, "%u", outside.first + i) : NULL);
        }
}

/* ---- mounts ---- */

void hv_convert_read_mount(struct hv_convert *c, const char *text, const char **ret_source,
                           const char **ret_target, char **ret_options) {
        char *source = hv_arena_strdup(c->arena, text), *target = strchr(source, ':'), *options = NULL;

        if (target) {
                *target++ = '\0';
                options = strchr(target, ':');
        }
        if (options)
                *options++ = '\0';
        *ret_source = target ? source : NULL;
        *ret_target = target ? target : source;
        *ret_options = options;
}

void hv_convert_put_mount_options(struct hv_convert *c, unsigned line, const char *what, char *options) {
        for (char *rest = NULL, *o = options ? strtok_r(options, ",", &rest) : NULL; o;
             o = strtok_r(NULL, ",", &rest)) {
                if (hv_streq(o, "ro"))
                        hv_json_put_bool(&c->w, "readOnly", true);
                else if (!hv_streq(o, "rw"))
                        hv_convert_note(c, line, "option %s of %s is not carried over", o, what);
        }
}

void hv_convert_put_tmpfs(struct hv_convert *c, unsigned line, const char *what, const char *text) {
        char *target = hv_arena_strdup(c->arena, text), *options = strchr(target, ':');
        const char *size = NULL;

        if (options)
                *options++ = '\0';
        for (char *rest = NULL, *o = options ? strtok_r(options, ",", &rest) : NULL; o;
             o = strtok_r(NULL, ",", &rest)) {
                if (hv_has_prefix(o, "size="))
                        size = hv_convert_bytes(c, o + strlen("size="));
                else
                        hv_convert_note(c, line, "option %s of %s is not carried over", o, what);
        }
        if (!size)
                hv_convert_note(c, line, "%s gets " HV_CONVERT_TMPFS, what);
        hv_json_begin_object(&c->w, NULL);
        hv_convert_put(&c->w, "tmpfs", size ? size : HV_CONVERT_TMPFS);
        hv_convert_put(&c->w, "target", target);
        hv_json_end(&c->w);
}
