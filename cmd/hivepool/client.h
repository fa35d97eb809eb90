/* hivepool/client.h - one call after the other to the pool that serves, over its unix socket. */
#pragma once

#include "base/arena.h"
#include "command.h"
#include "rpc/bytes.h"

struct ProtobufCMessage;
struct ProtobufCMessageDescriptor;

struct client;

struct client *client_new(struct cli *cli);
struct client *client_free(struct client *c); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct client, client_free);

/* *ret: the answer, in the arena. HV_EXIT_OK or an exit code, told. */
int client_call(struct client *c, const char *method, const struct ProtobufCMessage *request,
                const struct ProtobufCMessageDescriptor *answer, struct hv_arena *arena, void *ret);

/* The same for an answer that comes when it comes: only --timeout ends it. */
int client_wait(struct client *c, const char *method, const struct ProtobufCMessage *request,
                const struct ProtobufCMessageDescriptor *answer, struct hv_arena *arena, void *ret);

/* A stream, each message to `on`; other than 0 ends it with that. */
int client_stream(struct client *c, const char *method, const struct ProtobufCMessage *request,
                  int (*on)(void *userdata, struct hv_rpc_bytes *message), void *userdata);
