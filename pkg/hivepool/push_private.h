/* hivepool/push_private.h - what the parts of the door share. */
#pragma once

#include <nodepool_hivemind.pb-c.h>

#include "base/map.h"
#include "hivepool/intake.h"
#include "hivepool/push.h"

enum hv_offer_state {
        HV_OFFER_NEW,    /* to be offered in the next round */
        HV_OFFER_CALLED, /* no answer yet, or (like_deployed) not digested */
        HV_OFFER_UNSURE, /* the answer was lost, or the pool began anew: perhaps it runs */
        HV_OFFER_RUNS,
};

struct hv_offer { /* a task that the pool gave to a node of this dialect */
        struct hv_push *push;
        char *task, *node;
        uint64_t lease;
        enum hv_offer_state state;
        bool was_unsure; /* before it was called */
        bool is_stopping;
        bool is_unheard; /* the node was not told that it stops: said again in the next round */
        bool is_seen;    /* while a list is compared */
        float cpu, memory, gpu, gpu_memory; /* percents, as the node says */
        struct sd_event_source *digest;     /* like_deployed: between the answer and the writing of RUNNING */
};

struct hv_push {
        struct hv_push_options options;
        struct hv_map *offers;   /* by task */
        struct hv_map *channels; /* by "host:port" */
        struct hv_rpc_credentials *plain;
        struct sd_event_source *round;
        bool is_fresh; /* the first look at each node: what it has is from before */
};

/* The account of a call. false: it was answered as the dialect does. *ret_name is good until the handler returns. */
bool hv_push_is_allowed(struct hv_push *p, struct hv_rpc_server_call *call, const char **ret_name);
/* Users say their token twice: in the metadata and in the message. As above. */
bool hv_push_is_user(struct hv_push *p, struct hv_rpc_server_call *call, const char *token,
                     const char **ret_name);
void hv_push_ack(struct hv_rpc_server_call *call, bool success, const char *message);

/* A call with a zip in it: `on` gets it when it is on disk. Uses the request up. */
struct hv_push_delivery {
        struct hv_push *p;
        struct hv_rpc_server_call *call;
        struct hv_intake *intake;
        char *account;
        void (*on)(struct hv_push_delivery *d, const struct hv_intake_end *end, struct hv_rpc_bytes *rest);
};
void hv_push_take_in(struct hv_push *p, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request,
                     void (*on)(struct hv_push_delivery *d, const struct hv_intake_end *end,
                                struct hv_rpc_bytes *rest));

/* push_offer.c */
void hv_push_offer_free(void *offer);
int hv_push_start_rounds(struct hv_push *p, struct hv_err *err);
void hv_push_look(struct hv_push *p, const char *node); /* compares the offers with the pool's list */
void hv_push_drop_channels(struct hv_push *p);

/* push_account.c, push_node.c, push_user.c */
#define HV_PUSH_HANDLER(name) \
        void hv_push_on_##name(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request)
HV_PUSH_HANDLER(login);
HV_PUSH_HANDLER(balance);
HV_PUSH_HANDLER(refresh);
HV_PUSH_HANDLER(transfer);
HV_PUSH_HANDLER(register);
HV_PUSH_HANDLER(status);
HV_PUSH_HANDLER(output);
HV_PUSH_HANDLER(result);
HV_PUSH_HANDLER(usage);
HV_PUSH_HANDLER(upload);
HV_PUSH_HANDLER(get_result);
HV_PUSH_HANDLER(list);
HV_PUSH_HANDLER(stop);
HV_PUSH_HANDLER(get_log);
void hv_push_on_login_done(void *userdata, struct hv_rpc_server_call *call, bool written);
void hv_push_on_intake_done(void *userdata, struct hv_rpc_server_call *call, bool written);
