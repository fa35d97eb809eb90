/* stream.h - the engine's event stream, with what can go wrong on the way.
 *
 * Model    Open from the moment the engine answers a connect until it is cut. What happens while nobody listens
 * is never told. Events of a healthy stream arrive in order; the faults lose, repeat, reorder and delay them.
 */
#pragma once

#include "sim/truth.h"

struct sim_stream {
        uint64_t opened; /* number of the present stream; an event of an older one never arrives */
        bool open;       /* the engine sends */
        bool heard;      /* the agent was told that it is connected: events reach the core */
        uint64_t last_arrival_us;
        uint64_t n_delivered;
};

struct sim_stream *sim_stream_new(struct sim *s);

void sim_stream_open(struct sim *s);  /* at the engine; ends an older one */
void sim_stream_hear(struct sim *s);  /* the connect was reported to the core */
void sim_stream_close(struct sim *s); /* without a word to the core: the agent died, or asked for a new one */
void sim_stream_cut(struct sim *s, const char *why); /* the core is told */

void sim_stream_emit_container(struct sim *s, struct sim_container *k, const char *action);
void sim_stream_emit_endpoint(struct sim *s, struct sim_container *k, const char *network,
                              const char *action);
void sim_stream_emit_network(struct sim *s, struct sim_network *n, const char *action);
void sim_stream_emit_volume(struct sim *s, struct sim_volume *v, const char *action);
void sim_stream_emit_image(struct sim *s, struct sim_image *i, const char *action);
