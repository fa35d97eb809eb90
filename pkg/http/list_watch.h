/* http/list_watch.h - what became of the things in a list, and when: the memory behind `?watch=1`.
 *
 * Model    Pure. Whoever looks gives the whole list, each thing as it is told; what differs from the look before is the news. A thing is
 *          remembered by its name, a digest and the generation in which it last was news, so whoever was away since a generation is
 *          told once what he missed, and not each step of it. Of things that went, the newest HV_LIST_WATCH_GONE_MAX are remembered;
 *          whoever was away for longer has to begin anew.
 */
#pragma once

#include "base/macros.h"

#define HV_LIST_WATCH_GONE_MAX 1000u

struct hv_list_watch;

enum hv_list_news {
        HV_LIST_ADDED,
        HV_LIST_MODIFIED,
        HV_LIST_DELETED,
};

struct hv_list_thing {
        const char *name;
        const char *text; /* as it is told */
};

/* `text` is NULL of what went. Borrowed for the length of the call. */
typedef void hv_list_tell(void *userdata, enum hv_list_news news, const char *name, const char *text);

struct hv_list_watch *hv_list_watch_new(void);
struct hv_list_watch *hv_list_watch_free(struct hv_list_watch *w); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_list_watch, hv_list_watch_free);

/* Takes the list as it is in this generation, and tells what is new since the look before: first what went. */
void hv_list_watch_look(struct hv_list_watch *w, uint64_t generation, const struct hv_list_thing *things,
                        size_t n, hv_list_tell *tell, void *userdata);

/* Tells what was news behind a generation, of the list that was looked at last, which is given again. False, and nothing is
 * told: it does not remember that far back. */
bool hv_list_watch_since(const struct hv_list_watch *w, uint64_t generation,
                         const struct hv_list_thing *things, size_t n, hv_list_tell *tell, void *userdata);

const char *hv_list_news_name(enum hv_list_news news);
