#include "ask.h"

#include "testing.h"

#include <unistd.h>

static struct web web_of(const struct stage *s) {
        struct web w = { .event = s->event, .server = s->server };

        strcpy(w.path, s->socket);
        return w;
}

struct answer ask(struct stage *s, bool tcp, const char *method, const char *path, const char *headers,
                  const char *body) {
        _hv_cleanup_(hv_buf_done) struct hv_buf request = {};
        struct web w = web_of(s);
        struct answer a = {};

        hv_buf_printf(&request, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path,
                      headers ? headers : "");
        if (body)
                hv_buf_printf(&request, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
        else
                hv_buf_puts(&request, "\r\n");
        a.status = web_ask(&w, !tcp, hv_buf_str(&request), &a.text);
        (void) hv_json_parse(web_body(&a.text), strlen(web_body(&a.text)), SIZE_MAX, &a.json, NULL);
        return a;
}

struct answer get(struct stage *s, const char *path) {
        return ask(s, false, "GET", path, NULL, NULL);
}

struct answer post(struct stage *s, const char *path, const char *json) {
        return ask(s, false, "POST", path, json ? "Content-Type: application/json\r\n" : NULL,
                   json ? json : "");
}

void answer_done(struct answer *a) {
        hv_buf_done(&a->text);
        a->json = hv_json_free(a->json);
}

int open_get(struct stage *s, const char *path, const char *headers) {
        _hv_cleanup_(hv_buf_done) struct hv_buf request = {};
        struct web w = web_of(s);
        int fd = web_connect_unix(&w);

        hv_buf_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers ? headers : "");
        web_send_text(fd, hv_buf_str(&request));
        return fd;
}

void wait_for(struct stage *s, int fd, struct hv_buf *got, const char *text) {
        struct web w = web_of(s);

        web_read_until(&w, fd, got, text);
}

void turn_until_idle(struct stage *s) {
        while (sd_event_run(s->event, 0) > 0)
                ;
}

const struct hv_json *at(const struct hv_json *j, const char *path) {
        while (j && *path) {
                char key[64];
                size_t len = strcspn(path, ".");

                (void) snprintf(key, sizeof key, "%.*s", (int) len, path);
                j = hv_json_type(j) == HV_JSON_ARRAY ? hv_json_at(j, strtoul(key, NULL, 10))
                                                     : hv_json_get(j, key);
                path += len + (path[len] == '.');
        }
        return j;
}

const char *text_at(const struct hv_json *j, const char *path) {
        return hv_json_as_str(at(j, path));
}
