/* pool/hivemind.h - the parts of dialect hivemind; private to hivemind*.c.
 *
 *      hivemind.c            the table of operations: open, close
 *      hivemind_account.c    the account: login, renewal of the token, balance; and whether others have one
 *      hivemind_dues.c       what goes out beside the beats, and how often (pure)
 *      hivemind_token.c      until when a token lives (pure)
 *      hivemind_call.c       one message out, one message in, with the token
 *      hivemind_node.c       what the node says of itself: registration, status, usage
 *      hivemind_result.c     what tasks print, and what they leave
 *      hivemind_text.c       text as that pool can take it (pure)
 *      hivemind_note.c       an archive of one small file, in place of a result that there is not (pure)
 *      hivemind_serve.c      what the pool asks of the node: ExecuteTask, StopTaskExecution
 *      hivemind_intake.c     a message with a zip in it, on its way into the inbox
 *      hivemind_document.c   an ExecuteTask as a Task document (pure)
 *      hivemind_peers.c      who may call this node
 *
 * Why      is said in docs/pool.md; "SEEN" there marks what the deployed pool was watched doing.
 */
#pragma once

#include <sys/queue.h>
#include <systemd/sd-event.h>

#include <nodepool_hivemind.pb-c.h>

#include "base/map.h"
#include "base/secret.h"
#include "base/time.h"
#include "pool/dialect.h"
#include "pool/hivemind_dues.h"
#include "rpc/call.h"
#include "rpc/channel.h"
#include "rpc/server.h"

struct hivemind_call;
struct hivemind_delivery;
struct hivemind_offer;
struct hivemind_peers;

struct hv_pool_peer {
        struct hv_pool_opening with;
        struct hv_rpc_credentials *plain;
        struct hv_rpc_channel *channel;
        TAILQ_HEAD(, hivemind_call) calls; /* that wait for an answer */
        struct hv_secret *token;           /* NULL: not logged in. Never on a disk */
        bool token_holds;                  /* for all that is known the pool would still take it */
        struct hivemind_dues dues;

        struct hv_rpc_server *server;
        struct hv_rpc_credentials *shown; /* to callers; plain text has some too */
        char *pool_host;                  /* what a caller's certificate must name; NULL: none is asked for */
        struct hivemind_peers *peers;
        TAILQ_HEAD(, hivemind_offer) offers; /* ExecuteTask that are not answered */
        bool receives;

        struct hv_map *tasks; /* id: struct hivemind_task */
        uint64_t opened_us;
        struct hivemind_delivery *delivery; /* the result on its way; NULL: none */
};

/* What there is to know of a task that is neither the ledger's nor the pool's. Lost with the process, at no cost. */
struct hivemind_task {
        bool told_is_known;
        unsigned number;     /* attempt of this node whose log that is */
        uint64_t told_bytes; /* of it */
        bool is_closed;      /* its closing line was told */
        bool is_too_large;   /* the pool cannot take its result */
        unsigned n_offers;   /* not answered yet */
        uint64_t result_not_before_us;
};

uint64_t hivemind_now_us(const struct hv_pool_peer *peer); /* CLOCK_BOOTTIME */
const char *hivemind_node_id(const struct hv_pool_peer *peer);

/* --- hivemind_call.c --- */

struct hivemind_caller { /* whoever waits for it; copied */
        hv_answer_fn *done;
        void *data;
        const char *id;  /* of a log: whose, */
        unsigned number; /* of which attempt, */
        uint64_t offset; /* and how far it goes when this is taken */
};
/* As v1_reply_fn: with OK, `reply` is the message that came. */
typedef void hivemind_reply_fn(struct hv_pool_peer *peer, const struct hivemind_caller *caller,
                               struct hv_answer *answer, const ProtobufCMessage *reply);

struct hivemind_request {
        const char *method; /* "UserService/Login" */
        const ProtobufCMessage *message;
        const ProtobufCMessageDescriptor *reply; /* NULL: Ack */
        uint64_t timeout_us;                     /* 0: 15 s, the deployed workers' */
        bool has_no_token;
        unsigned file_field; /* a file as one more field of the message */
        int fd;
        size_t file_len; /* 0: none */
};

/* `on_reply` once, later; not after the peer is closed. */
void hivemind_call_start(struct hv_pool_peer *peer, const struct hivemind_request *request,
                         hivemind_reply_fn *on_reply, const struct hivemind_caller *caller);
/* The same without a call: what is known already. The message is copied. */
void hivemind_answer_later(struct hv_pool_peer *peer, const struct hv_answer *answer,
                           const struct hivemind_caller *caller);
void hivemind_calls_end(struct hv_pool_peer *peer); /* silently */
/* An Ack that says no, as an answer; the text lives in the arena. */
void hivemind_judge_ack(struct hv_answer *answer, const ProtobufCMessage *reply, enum hv_pool_outcome no,
                        const char *method, struct hv_arena *arena);

/* --- hivemind_account.c --- */

void hivemind_login(struct hv_pool_peer *peer, hv_answer_fn *done, void *done_data);
void hivemind_vouch(struct hv_pool_peer *peer, const char *name, const char *password, hv_answer_fn *done,
                    void *done_data);
void hivemind_ask_balance(struct hv_pool_peer *peer); /* when it is due */

/* --- hivemind_node.c --- */

void hivemind_enrol(struct hv_pool_peer *peer, const struct hv_pool_node *node, hv_answer_fn *done,
                    void *done_data);
void hivemind_beat(struct hv_pool_peer *peer, const struct hv_pool_node *node, hv_answer_fn *done,
                   void *done_data);

/* --- hivemind_result.c --- */

#define HIVEMIND_PIECE_BYTES ((size_t) 65536) /* of a log, in one call */

void hivemind_put_log(struct hv_pool_peer *peer, const struct hv_pool_owed *owed, uint64_t offset,
                      const char *data, size_t len, hv_answer_fn *done, void *done_data);
void hivemind_put_result(struct hv_pool_peer *peer, const struct hv_pool_parcel *parcel, uint64_t offset,
                         hv_answer_fn *done, void *done_data);
void hivemind_delivery_end(struct hv_pool_peer *peer); /* silently */
/* ExecuteTask came, and was answered: a result that is sooner than a second after the answer is lost (SEEN). */
void hivemind_offer_began(struct hv_pool_peer *peer, const char *id);
void hivemind_offer_ended(struct hv_pool_peer *peer, const char *id);
void hivemind_forget_idle_tasks(struct hv_pool_peer *peer);

/* --- hivemind_serve.c --- */

int hivemind_serve(struct hv_pool_peer *peer, struct hv_err *err);
/* The certificate of the port is read again. What is no good leaves the one in force. */
int hivemind_serve_reload(struct hv_pool_peer *peer, struct hv_err *err);
void hivemind_serve_end(struct hv_pool_peer *peer);

/* --- hivemind_intake.c --- */

struct hivemind_intake;
struct hivemind_taken {
        const struct hv_err *err; /* NULL: it is in the inbox, held */
        const char *sha256;
};
typedef void hivemind_taken_fn(void *userdata, const struct hivemind_taken *taken);

/* Unpacks all but the zip into the arena, and finds the zip. -EBADMSG. */
int hivemind_intake_read(const struct hv_rpc_bytes *message, struct hv_arena *arena,
                         Hivemind__ExecuteTaskRequest **ret, size_t *ret_zip_at, size_t *ret_zip_len,
                         struct hv_err *err);
/* Uses the message up, and gives its memory back on the way. `done` once, later. */
int hivemind_intake_start(struct hv_pool_peer *peer, struct hv_rpc_bytes *message, size_t zip_at,
                          size_t zip_len, hivemind_taken_fn *done, void *userdata,
                          struct hivemind_intake **ret, struct hv_err *err);
struct hivemind_intake *hivemind_intake_free(struct hivemind_intake *i); /* `done` is not called any more */

/* --- hivemind_peers.c --- */

int hivemind_peers_new(const struct hv_pool_options *options, struct hivemind_peers **ret,
                       struct hv_err *err);
struct hivemind_peers *hivemind_peers_free(struct hivemind_peers *p);
/* Where the pool's name leads to is looked up (again), on a thread. */
void hivemind_peers_look(struct hivemind_peers *p);
bool hivemind_peers_allow(const struct hivemind_peers *p, const struct sockaddr_storage *address);
