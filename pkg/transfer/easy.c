/* transfer/easy.c - see easy.h. */
#include "transfer/easy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#include "base/alloc.h"

#define MAX_BODY_BYTES ((size_t) 32 << 20)

const char *hv_method_name(enum hv_method method) {
        static const char *const names[] = {
                [HV_METHOD_GET] = "GET", [HV_METHOD_HEAD] = "HEAD",     [HV_METHOD_POST] = "POST",
                [HV_METHOD_PUT] = "PUT", [HV_METHOD_DELETE] = "DELETE",
        };

        return names[method];
}

bool hv_method_is_safe(enum hv_method method) {
        return method == HV_METHOD_GET || method == HV_METHOD_HEAD;
}

static unsigned status_of(const struct hv_request *r) {
        long status = 0;

        (void) curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
        return (unsigned) status;
}

static uint64_t bytes_sent(const struct hv_request *r) {
        long head = 0;

        (void) curl_easy_getinfo(r->easy, CURLINFO_REQUEST_SIZE, &head);
        return (uint64_t) head;
}

static void touch(struct hv_request *r) {
        r->active_us = hv_transfer_now_us();
}

/* --- callbacks of libcurl --- */

static bool may_connect(const struct hv_request *r, const struct sockaddr *address) {
        return !r->options.may_connect || r->options.may_connect(r->options.userdata, address);
}

/* The same for a connection that is there already. */
static bool may_use(const struct hv_request *r, const char *ip) {
        struct sockaddr_in v4 = { .sin_family = AF_INET };
        struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

        if (!r->options.may_connect)
                return true;
        if (ip && inet_pton(AF_INET, ip, &v4.sin_addr) == 1)
                return may_connect(r, (const struct sockaddr *) &v4);
        return ip && inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1 &&
               may_connect(r, (const struct sockaddr *) &v6);
}

static curl_socket_t on_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
        struct hv_request *r = userdata;

        (void) purpose;
        if (!may_connect(r, &address->addr))
                return CURL_SOCKET_BAD;
        (*r->n_connections)++;
        return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Runs before each time that the request is sent; the second time means that libcurl wants to send it again.
 */
static int on_attempt(void *userdata, char *remote_ip, char *local_ip, int remote_port, int local_port) {
        struct hv_request *r = userdata;

        (void) local_ip;
        (void) remote_port;
        (void) local_port;
        if (!may_use(r, remote_ip))
                return CURL_PREREQFUNC_ABORT;
        if (r->n_attempts++ == 0 || hv_method_is_safe(r->options.method) || bytes_sent(r) == 0)
                return CURL_PREREQFUNC_OK;
        r->resend_refused = true;
        return CURL_PREREQFUNC_ABORT;
}

static size_t on_header(char *line, size_t size, size_t n, void *userdata) {
        struct hv_request *r = userdata;
        size_t len = size * n;
        unsigned status = status_of(r);

        if (r->silent)
                return 0;
        touch(r);
        /* The empty line ends a block of headers; a 1xx block is followed by another. */
        if (len <= 2 && (line[0] == '\r' || line[0] == '\n') && status >= 200 && !r->opened) {
                r->opened = true;
                if (r->starved) /* it may be a refusal: libcurl looks at it only when it goes on */
                        hv_request_wake(r);
                if (r->options.on_open)
                        r->options.on_open(r->options.userdata, status);
        }
        return r->silent ? 0 : len;
}

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        struct hv_request *r = userdata;
        size_t len = size * n;
        unsigned status = status_of(r);

        if (r->silent)
                return 0;
        if (r->paused)
                return CURL_WRITEFUNC_PAUSE;
        touch(r);
        if (r->options.on_data && status >= 200 && status <= 299) {
                int e = r->options.on_data(r->options.userdata, data, len);

                if (e < 0)
                        r->aborted = e;
                return e < 0 || r->silent ? 0 : len;
        }
        if (len > r->options.max_body_bytes - r->body_in.len) {
                r->too_big = true;
                return 0;
        }
        hv_buf_add(&r->body_in, data, len);
        return len;
}

static size_t on_read(char *buf, size_t size, size_t n, void *userdata) {
        struct hv_request *r = userdata;
        ssize_t got;

        if (r->silent)
                return CURL_READFUNC_ABORT;
        touch(r);
        got = r->options.read(r->options.userdata, buf, size * n);
        r->starved = got == -EAGAIN && !r->silent;
        if (r->starved)
                return CURL_READFUNC_PAUSE;
        if (got < 0)
                r->aborted = (int) got;
        return got < 0 || r->silent ? CURL_READFUNC_ABORT : (size_t) got;
}

/* --- set-up --- */

static void add_header(struct hv_request *r, const char *line) {
        struct curl_slist *l = curl_slist_append(r->headers, line);

        if (!l)
                hv_out_of_memory(strlen(line));
        r->headers = l;
}

static void set_headers(struct hv_request *r) {
        _hv_cleanup_free_ char *type = NULL;

        for (const char *const *h = r->options.headers; h && *h; h++)
                add_header(r, *h);
        add_header(r, "Expect:"); /* no engine needs to be asked first; the pause would cost a second */
        type = hv_asprintf("Content-Type:%s%s", r->options.content_type ? " " : "",
                           r->options.content_type ? r->options.content_type : "");
        add_header(r, type);
        if (r->options.read && r->options.read_bytes < 0)
                add_header(r, "Transfer-Encoding: chunked");
        (void) curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
}

static void set_body(struct hv_request *r) {
        enum hv_method method = r->options.method;

        if (method == HV_METHOD_HEAD)
                (void) curl_easy_setopt(r->easy, CURLOPT_NOBODY, 1L);
        if (hv_method_is_safe(method))
                return;
        if (r->options.read) {
                (void) curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
                (void) curl_easy_setopt(r->easy, CURLOPT_READFUNCTION, on_read);
                (void) curl_easy_setopt(r->easy, CURLOPT_READDATA, r);
                (void) curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                                        (curl_off_t) r->options.read_bytes);
                (void) curl_easy_setopt(r->easy, CURLOPT_UPLOAD_BUFFERSIZE, 65536L);
        } else if (method != HV_METHOD_DELETE || r->options.body_len) {
                hv_buf_add(&r->body_out, r->options.body ? r->options.body : "", r->options.body_len);
                (void) curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) r->body_out.len);
                (void) curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, hv_buf_str(&r->body_out));
        }
        (void) curl_easy_setopt(r->easy, CURLOPT_CUSTOMREQUEST, hv_method_name(method));
}

static void set_connection(struct hv_request *r) {
        const struct hv_request_options *o = &r->options;

        if (o->unix_socket)
                (void) curl_easy_setopt(r->easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket);
        if (o->unix_socket || !o->use_proxy)
                (void) curl_easy_setopt(r->easy, CURLOPT_PROXY, "");
        if (o->ca_file)
                (void) curl_easy_setopt(r->easy, CURLOPT_CAINFO, o->ca_file);
        if (o->cert_file)
                (void) curl_easy_setopt(r->easy, CURLOPT_SSLCERT, o->cert_file);
        if (o->key_file)
                (void) curl_easy_setopt(r->easy, CURLOPT_SSLKEY, o->key_file);
        if (o->lane ==
            HV_LANE_STREAMS) /* a peer that vanished is noticed on a stream that is silent by nature */
                (void) curl_easy_setopt(r->easy, CURLOPT_TCP_KEEPALIVE, 1L);
        (void) curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
        (void) curl_easy_setopt(r->easy, CURLOPT_OPENSOCKETDATA, r);
        (void) curl_easy_setopt(r->easy, CURLOPT_PREREQFUNCTION, on_attempt);
        (void) curl_easy_setopt(r->easy, CURLOPT_PREREQDATA, r);
}

static int check(const struct hv_request_options *o, struct hv_err *err) {
        if (!o->url || (!hv_has_prefix(o->url, "http://") && !hv_has_prefix(o->url, "https://")))
                return hv_err_set(err, -EINVAL, "\"%s\" is not an http or https URL", o->url ? o->url : "");
        for (const char *p = o->url; *p; p++)
                if ((unsigned char) *p <= ' ' || *p == 0x7f)
                        return hv_err_set(err, -EINVAL,
                                          "URL \"%s\": a blank or control character is not escaped", o->url);
        for (const char *const *h = o->headers; h && *h; h++)
                if (strpbrk(*h, "\r\n"))
                        return hv_err_set(err, -EINVAL, "%s: a header holds a line break", o->url);
        if (hv_method_is_safe(o->method) && (o->body_len || o->read))
                return hv_err_set(err, -EINVAL, "%s: %s takes no body", o->url, hv_method_name(o->method));
        return 0;
}

int hv_easy_init(struct hv_request *r, struct hv_err *err) {
        struct hv_request_options *o = &r->options;
        int e;

        e = check(o, err);
        if (e < 0)
                return e;
        if (o->max_body_bytes == 0)
                o->max_body_bytes = MAX_BODY_BYTES;
        r->easy = curl_easy_init();
        if (!r->easy)
                return hv_err_set(err, -EIO, "transfer: libcurl gives no handle");
        r->place = o->unix_socket ? hv_strdup(o->unix_socket) : hv_strndup(o->url, strcspn(o->url, "?"));
        (void) curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
        (void) curl_easy_setopt(r->easy, CURLOPT_URL, o->url);
        (void) curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, "http,https");
        (void) curl_easy_setopt(r->easy, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        (void) curl_easy_setopt(r->easy, CURLOPT_PATH_AS_IS, 1L);
        (void) curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
        (void) curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "hivelet");
        (void) curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->curl_says);
        (void) curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
        (void) curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
        (void) curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
        (void) curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
        set_connection(r);
        set_body(r);
        set_headers(r);
        /* Borrowed from the caller: not to be used any more. */
        o->url = o->unix_socket = o->content_type = o->ca_file = o->cert_file = o->key_file = NULL;
        o->headers = NULL;
        o->body = NULL;
        return 0;
}

void hv_easy_free(struct hv_request *r) {
        if (r->easy)
                curl_easy_cleanup(r->easy);
        for (struct curl_slist *l = r->headers; l; l = l->next)
                explicit_bzero(l->data, strlen(l->data));
        curl_slist_free_all(r->headers);
        if (r->body_out.data)
                explicit_bzero(r->body_out.data, r->body_out.len);
        hv_buf_done(&r->body_out);
        hv_buf_done(&r->body_in);
        free(r->place);
        free(r->message);
        free(r);
}

/* --- what became of it --- */

enum hv_transfer_end hv_easy_end(const struct hv_request *r, CURLcode code) {
        if (code == CURLE_OK)
                return HV_TRANSFER_DONE;
        if (r->too_big)
                return HV_TRANSFER_TOO_BIG;
        if (r->aborted)
                return HV_TRANSFER_ABORTED;
        return bytes_sent(r) ? HV_TRANSFER_CUT : HV_TRANSFER_UNREACHABLE;
}

static char *unreachable_message(const struct hv_request *r, int os_error) {
        switch (os_error) {
        case ENOENT:
                return hv_asprintf("%s: there is no such socket", r->place);
        case ECONNREFUSED:
                return hv_asprintf("%s: nobody listens there", r->place);
        case EACCES:
        case EPERM:
                return hv_asprintf("%s: no permission to connect", r->place);
        case 0:
                return hv_asprintf("%s: %s", r->place, *r->curl_says ? r->curl_says : "no connection");
        default:
                return hv_asprintf("%s: %s", r->place, strerror(os_error));
        }
}

static char *message_of(const struct hv_request *r, enum hv_transfer_end end, CURLcode code, int os_error,
                        uint64_t now_us) {
        const char *reason = *r->curl_says ? r->curl_says : curl_easy_strerror(code);

        switch (end) {
        case HV_TRANSFER_DONE:
                break;
        case HV_TRANSFER_UNREACHABLE:
                return unreachable_message(r, os_error);
        case HV_TRANSFER_CUT:
                if (r->resend_refused)
                        return hv_asprintf("%s: the connection was lost after the request was sent",
                                           r->place);
                return hv_asprintf("%s: the reply was cut: %s", r->place, reason);
        case HV_TRANSFER_LATE:
                return hv_asprintf("%s: no %sreply within %.3g s", r->place, r->opened ? "complete " : "",
                                   (double) (now_us - r->begun_us) / HV_USEC_PER_SEC);
        case HV_TRANSFER_STALLED:
                return hv_asprintf("%s: nothing was heard for %.3g s", r->place,
                                   (double) r->options.idle_us / HV_USEC_PER_SEC);
        case HV_TRANSFER_TOO_BIG:
                return hv_asprintf("%s: the reply is above the limit of %zu bytes", r->place,
                                   r->options.max_body_bytes);
        case HV_TRANSFER_ABORTED:
                return hv_asprintf("%s: given up: %s", r->place, strerror(-r->aborted));
        }
        return hv_strdup("");
}

static int error_of(const struct hv_request *r, enum hv_transfer_end end, int os_error) {
        switch (end) {
        case HV_TRANSFER_DONE:
                break;
        case HV_TRANSFER_UNREACHABLE:
                return os_error ? -os_error : -ENOTCONN;
        case HV_TRANSFER_CUT:
                return -ECONNRESET;
        case HV_TRANSFER_LATE:
        case HV_TRANSFER_STALLED:
                return -ETIMEDOUT;
        case HV_TRANSFER_TOO_BIG:
                return -EMSGSIZE;
        case HV_TRANSFER_ABORTED:
                return r->aborted;
        }
        return 0;
}

void hv_easy_reply(struct hv_request *r, enum hv_transfer_end end, CURLcode code, uint64_t now_us,
                   struct hv_reply *ret) {
        curl_off_t in = 0, out = 0;
        long os_error = 0;

        (void) curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_error);
        (void) curl_easy_getinfo(r->easy, CURLINFO_SIZE_DOWNLOAD_T, &in);
        (void) curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &out);
        r->message = message_of(r, end, code, (int) os_error, now_us);
        *ret = (struct hv_reply){
                .end = end,
                .sent = bytes_sent(r) > 0,
                .status = status_of(r),
                .body = hv_buf_str(&r->body_in),
                .body_len = r->body_in.len,
                .error = error_of(r, end, (int) os_error),
                .message = r->message,
                .duration_us = now_us - r->begun_us,
                .bytes_in = (uint64_t) in,
                .bytes_out = bytes_sent(r) + (uint64_t) out,
                .request = r,
        };
}

const char *hv_reply_header(const struct hv_reply *reply, const char *name) {
        struct curl_header *h;
        CURLHcode code;

        code = curl_easy_header(reply->request->easy, name, 0, CURLH_HEADER, -1, &h);
        if (code != CURLHE_OK)
                return NULL;
        (void) curl_easy_header(reply->request->easy, name, h->amount - 1, CURLH_HEADER, -1, &h);
        return h->value;
}
