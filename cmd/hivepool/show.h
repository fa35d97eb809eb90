/* hivepool/show.h - what is asked of the pool and shown. */
#pragma once

#include "client.h"

/* Until it is over: HV_EXIT_OK where it completed, else HV_EXIT_ERROR, told. */
int wait_for_task(struct client *c, const char *id);
