/* agent/images.h - images of this node: how they come (execute/image_fetch.h), which of them are hivelet's
 * (execute/image_record.h). Private to pkg/agent. */
#pragma once

#include "agent/private.h"
#include "execute/image_fetch.h"

struct hv_agent_images {
        struct hv_image_source source;
        struct hv_image_record *record; /* NULL: it cannot be kept, which was told; nothing is collected */
};

void hv_agent_images_begin(struct hv_agent *a); /* there is a client of the engine */
const struct hv_image_source *hv_agent_images_source(const struct hv_agent *a);
/* An action ended: what was made a container of is not unused. */
void hv_agent_images_ended(struct hv_agent *a, const struct hv_action *action, enum hv_outcome outcome);
void hv_agent_images_end(struct hv_agent *a); /* after the executor, before the client */
