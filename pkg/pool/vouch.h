/* pool/vouch.h - people whom the pool is asked about: each question is answered once, whatever becomes of the link. Private. */
#pragma once

#include <sys/queue.h>

#include "pool/dialect.h"

struct hv_vouching;
TAILQ_HEAD(hv_vouchings, hv_vouching);

/* As hv_pool_vouch(). */
void hv_vouch_ask(struct hv_vouchings *all, const struct hv_pool_dialect *dialect, struct hv_pool_peer *peer,
                  const char *name, const char *password, hv_pool_vouch_fn *done, void *done_data);
/* The peer is closed and answers nobody any more: all are told no. */
void hv_vouch_end(struct hv_vouchings *all);
