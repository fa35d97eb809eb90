/* transfer/easy.h - one request as libcurl sees it: an easy handle, its callbacks, and what became of it.
 * Private to the module. */
#pragma once

#include <curl/curl.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/buf.h"
#include "transfer/transfer.h"

struct hv_request {
        TAILQ_ENTRY(hv_request) entry;
        struct hv_transfer *transfer;
        struct hv_request_options options; /* texts in it are not used after hv_easy_init() */
        sd_event_source *timer;
        uint64_t begun_us, active_us, deadline_us, open_by_us;
        uint64_t *n_connections;

        bool added;   /* is in the multi */
        bool silent;  /* cancelled: no callback any more */
        bool ending;  /* on_done is running or about to */
        bool paused;  /* what comes all the same is given back to libcurl (it does come, from 8.x on) */
        bool starved; /* read had nothing: libcurl does not ask again by itself */
        bool resume;  /* to be unpaused when libcurl has returned */

        CURL *easy;
        struct curl_slist *headers;
        char *target; /* for messages: "POST /run/docker.sock" or "GET https://host/path" */
        char *place;  /* where the connection goes */
        struct hv_buf body_out, body_in;
        char curl_says[CURL_ERROR_SIZE];
        char *message;
        unsigned n_attempts;
        bool opened, too_big, resend_refused;
        int aborted; /* -errno of on_data or read */
};

int hv_easy_init(struct hv_request *r, struct hv_err *err);
enum hv_transfer_end hv_easy_end(const struct hv_request *r, CURLcode code);
void hv_easy_reply(struct hv_request *r, enum hv_transfer_end end, CURLcode code, uint64_t now_us,
                   struct hv_reply *ret);
void hv_easy_free(struct hv_request *r);
