/* agent/preload.h - images that are there before anybody needs them. Private to pkg/agent.
 *
 *      images.preload   of the revision in force: looked for once, pulled when missing (inside images.pull.window, at most
 *                       images.pull.parallel at a time, those that something waits for among them)
 *      images.archives  files of a folder, loaded once each, one after the other: for nodes that reach no registry
 *      by hand          what somebody asked for over the API: at once, and not durable
 *
 * Model    What fails is told, shown and tried again after a growing wait, and the others go on. What has been there is not looked for
 *          again before the next revision, `hivectl apply` or start: a preload never fights with garbage collection.
 * Archives what `docker save` writes, plain or compressed. The file, like a desired state, must belong to root or to this user and
 *          be writable by nobody else. It is known by name, size and time of change (execute/image_record.h).
 */
#pragma once

#include "agent/private.h"

void hv_agent_preload_follow(struct hv_agent *a); /* a revision is in force */
void hv_agent_preload_look(struct hv_agent *a);   /* somebody wants everything to be looked at now */
void hv_agent_preload_passed(struct hv_agent *a); /* after each pass: does the engine answer again? */
void hv_agent_preload_came(
        struct hv_agent *a); /* an image came from elsewhere: it may be one that is missing */
void hv_agent_preload_show(const struct hv_agent *a, struct hv_arena *arena, struct hv_api_snapshot *ret);
void hv_agent_preload_end(struct hv_agent *a); /* before the client of the engine */

/* How many more pulls images.pull.parallel lets: what something waits for has been begun by the core already, and goes first. */
size_t hv_agent_preload_places(const struct hv_agent *a);

/* ---- preload_asked.c ---- */

struct hv_agent_asked;

/* For hv_api_backend. */
int hv_agent_ask_for_images(void *userdata, const struct hv_api_preload_wish *wish, struct hv_arena *arena,
                            const char **ret, struct hv_err *err);
void hv_agent_asked_show(void *userdata, struct hv_arena *arena, struct hv_api_preloads *ret);
void hv_agent_asked_passed(struct hv_agent *a);        /* after each pass: is there a place? */
size_t hv_agent_asked_pulls(const struct hv_agent *a); /* under way */
void hv_agent_asked_end(struct hv_agent *a);           /* before the client of the engine */

/* ---- archives.c ---- */

struct hv_agent_archives;

/* Looks through the folder, and loads what is new. Already at it: looks once more afterwards. */
void hv_agent_archives_look(struct hv_agent *a);
void hv_agent_archives_passed(struct hv_agent *a); /* after each pass: does the engine answer again? */
void hv_agent_archives_end(struct hv_agent *a);
