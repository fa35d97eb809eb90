/* hivepool/v1_private.h - what the parts of the door share. */
#pragma once

#include <nodepool_v1.pb-c.h>

#include "base/vec.h"
#include "hivepool/v1.h"

struct hv_v1_watcher {
        struct hv_rpc_server_call *call;
        char *node;
        bool is_due;                          /* its list has changed since it was laid out */
        HV_VEC(struct hv_rpc_bytes *) slices; /* to be sent; the first is next */
        bool is_sending;
};

struct hv_v1 {
        struct hv_v1_options options;
        HV_VEC(struct hv_v1_watcher *) watchers;
};

/* The message, in the arena, of a node that is whom it says to be. NULL: the call was answered. Uses the request up. */
void *hv_v1_read(struct hv_v1 *v, struct hv_rpc_server_call *call, const ProtobufCMessageDescriptor *d,
                 struct hv_rpc_bytes *request, struct hv_arena *arena);

/* v1_list.c */
void hv_v1_on_list(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_v1_on_watch(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_v1_on_watch_sent(void *userdata, struct hv_rpc_server_call *call);
void hv_v1_on_watch_done(void *userdata, struct hv_rpc_server_call *call, bool written);
void hv_v1_on_input(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
