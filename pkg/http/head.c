#include "http/head.h"

#include <strings.h>

struct text {
        const char *s;
        size_t n;
};

struct checker {
        const struct hv_http_head_limits *limits;
        struct hv_http_head *head;
        unsigned n_headers, n_hosts, n_lengths, n_encodings;
        bool is_http_1_0;
};

static bool refuse(struct checker *c, unsigned status, const char *problem) {
        c->head->status = status;
        c->head->problem = problem;
        return false;
}

static bool is_token_char(unsigned char ch) {
        return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
               (ch && strchr("!#$%&'*+-.^_`|~", ch));
}

static bool is_word(struct text t, const char *word) {
        return t.n == strlen(word) && strncasecmp(t.s, word, t.n) == 0;
}

static bool is_exactly(struct text t, const char *word) {
        return t.n == strlen(word) && memcmp(t.s, word, t.n) == 0;
}

static struct text trim(struct text t) {
        while (t.n > 0 && (t.s[0] == ' ' || t.s[0] == '\t')) {
                t.s++;
                t.n--;
        }
        while (t.n > 0 && (t.s[t.n - 1] == ' ' || t.s[t.n - 1] == '\t'))
                t.n--;
        return t;
}

static bool check_version(struct checker *c, struct text version) {
        if (is_exactly(version, "HTTP/1.1"))
                return true;
        c->is_http_1_0 = is_exactly(version, "HTTP/1.0");
        if (c->is_http_1_0)
                return true;
        if (version.n >= 5 && strncmp(version.s, "HTTP/", 5) == 0)
                return refuse(c, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
        return refuse(c, 400, "the request line does not end in HTTP/1.1");
}

static bool check_request_line(struct checker *c, struct text line) {
        const char *sp1 = memchr(line.s, ' ', line.n), *sp2 = sp1 ? memrchr(line.s, ' ', line.n) : NULL;
        struct text target;

        if (!sp1 || sp1 == sp2 || sp1 == line.s)
                return refuse(c, 400,
                              "the request line is not METHOD, PATH and HTTP/1.1 with one space between");
        for (const char *p = line.s; p < sp1; p++)
                if (*p < 'A' || *p > 'Z')
                        return refuse(c, 400, "the method is not in capital letters");
        target = (struct text){ sp1 + 1, (size_t) (sp2 - sp1 - 1) };
        if (target.n == 0 || target.s[0] != '/')
                return refuse(c, 400, "the request target does not begin with /");
        for (size_t i = 0; i < target.n; i++)
                if (target.s[i] <= ' ' || target.s[i] >= 0x7f || target.s[i] == '#')
                        return refuse(c, 400, "the request target holds a byte that must be percent-encoded");
        c->head->target = target.s;
        c->head->target_len = target.n;
        c->head->method = line.s;
        c->head->method_len = (size_t) (sp1 - line.s);
        return check_version(c, (struct text){ sp2 + 1, line.n - (size_t) (sp2 + 1 - line.s) });
}

static bool check_content_length(struct checker *c, struct text value) {
        if (c->n_lengths++ > 0)
                return refuse(c, 400, "Content-Length is given twice");
        if (value.n == 0 || value.n > 18)
                return refuse(c, 400, "Content-Length is not a number that makes sense");
        for (size_t i = 0; i < value.n; i++)
                if (value.s[i] < '0' || value.s[i] > '9')
                        return refuse(c, 400, "Content-Length is not a number");
        return true;
}

static bool check_transfer_encoding(struct checker *c, struct text value) {
        if (c->n_encodings++ > 0)
                return refuse(c, 400, "Transfer-Encoding is given twice");
        if (!is_word(value, "chunked"))
                return refuse(c, 501, "of transfer encodings only chunked is understood");
        return true;
}

static bool check_header(struct checker *c, struct text line) {
        const char *colon = memchr(line.s, ':', line.n);
        struct text name, value;

        if (line.s[0] == ' ' || line.s[0] == '\t')
                return refuse(c, 400, "a header goes on in the next line (obsolete folding)");
        if (!colon || colon == line.s)
                return refuse(c, 400, "a header has no name or no colon");
        name = (struct text){ line.s, (size_t) (colon - line.s) };
        value = trim((struct text){ colon + 1, line.n - name.n - 1 });
        for (size_t i = 0; i < name.n; i++)
                if (!is_token_char((unsigned char) name.s[i]))
                        return refuse(c, 400, "a header's name holds a byte that names must not have");
        for (size_t i = 0; i < value.n; i++)
                if (((unsigned char) value.s[i] < ' ' && value.s[i] != '\t') || value.s[i] == 0x7f)
                        return refuse(c, 400, "a header's value holds a control character");
        if (++c->n_headers > c->limits->headers_max)
                return refuse(c, 431, "there are too many headers");
        if (is_word(name, "Content-Length"))
                return check_content_length(c, value);
        if (is_word(name, "Transfer-Encoding"))
                return check_transfer_encoding(c, value);
        if (is_word(name, "Host")) {
                if (c->n_hosts++ > 0)
                        return refuse(c, 400, "Host is given twice");
                c->head->host = value.s;
                c->head->host_len = value.n;
        }
        return true;
}

static bool check_whole(struct checker *c) {
        if (c->n_lengths > 0 && c->n_encodings > 0)
                return refuse(c, 400, "Content-Length and Transfer-Encoding are both given");
        if (c->n_encodings > 0 && c->is_http_1_0)
                return refuse(c, 400, "HTTP/1.0 has no Transfer-Encoding");
        if (c->n_hosts == 0 && !c->is_http_1_0)
                return refuse(c, 400, "the Host header is missing");
        return true;
}

/* The line that begins at *at, without its CRLF. False when it is not whole yet, or refused (then head->status is set). */
static bool next_line(struct checker *c, const char *data, size_t len, size_t *at, struct text *ret) {
        bool is_first = *at == 0;

        for (size_t i = *at; i < len; i++) {
                if (i - *at > c->limits->line_max_bytes || i >= c->limits->head_max_bytes)
                        return is_first ? refuse(c, 414, "the request line is too long")
                                        : refuse(c, 431, "the headers are too long");
                if (data[i] == '\0')
                        return refuse(c, 400, "the head holds a NUL byte");
                if (data[i] == '\n')
                        return refuse(c, 400, "a line ends in a bare line feed");
                if (data[i] != '\r')
                        continue;
                if (i + 1 == len)
                        return false;
                if (data[i + 1] != '\n')
                        return refuse(c, 400, "a carriage return stands inside a line");
                *ret = (struct text){ data + *at, i - *at };
                *at = i + 2;
                return true;
        }
        return false;
}

enum hv_http_head_result hv_http_head_check(const char *data, size_t len,
                                            const struct hv_http_head_limits *limits,
                                            struct hv_http_head *ret) {
        struct hv_http_head head = {};
        struct checker c = { .limits = limits, .head = &head };
        struct text line;
        bool good = true;

        for (size_t at = 0; good;) {
                bool is_first = at == 0;

                if (!next_line(&c, data, len, &at, &line)) {
                        if (head.status == 0)
                                return HV_HTTP_HEAD_MORE;
                        good = false;
                } else if (is_first) {
                        good = check_request_line(&c, line);
                } else if (line.n > 0) {
                        good = check_header(&c, line);
                } else {
                        good = check_whole(&c);
                        head.length_bytes = at;
                        head.n_headers = c.n_headers;
                        break;
                }
        }
        *ret = head;
        return good ? HV_HTTP_HEAD_GOOD : HV_HTTP_HEAD_REFUSED;
}

size_t hv_http_host_name_len(const char *host, size_t len) {
        struct text name = { host, len };
        const char *colon;

        if (len > 0 && host[0] == '[') {
                const char *close = memchr(host, ']', len);

                if (!close)
                        return 0;
                name.n = (size_t) (close + 1 - host);
        } else if ((colon = memchr(host, ':', len))) {
                name.n = (size_t) (colon - host);
        }
        if (name.n < len) {
                if (host[name.n] != ':' || len - name.n > 6 || len - name.n < 2)
                        return 0;
                for (size_t i = name.n + 1; i < len; i++)
                        if (host[i] < '0' || host[i] > '9')
                                return 0;
        }
        return name.n;
}

bool hv_http_host_is_local(const char *host, size_t len, const char *also) {
        struct text name = { host, hv_http_host_name_len(host, len) };

        return is_word(name, "localhost") || is_word(name, "127.0.0.1") || is_word(name, "[::1]") ||
               (also && is_word(name, also));
}
