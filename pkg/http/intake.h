/* http/intake.h - a body that is too long to be kept: its handler gets it piece by piece.
 *
 *      head, role --> handler --hv_http_intake()--> take* --> whole --> an answer
 *                        |                            '--> an answer before the end: the rest is thrown away
 *                        '--> an answer at once
 *
 * Model    The handler of a route with HV_HTTP_INTAKE is called when the head has come. What it does not take waits in the client's own
 *          socket until hv_http_intake_resume(). A client that sends nothing for the server's body_timeout_us is cut; while it is the
 *          handler who waits, no time counts. More than the route's body_max_bytes: 413, and `gone`.
 * Life     as of any request (http/request.h): needs hv_http_on_gone(), which may come at any time before the answer. The callbacks may
 *          answer. None comes from inside hv_http_intake_resume().
 */
#pragma once

#include "http/request.h"

struct hv_http_intake {
        size_t (*take)(void *userdata, const void *data, size_t len); /* how much of it was taken */
        void (*whole)(void *userdata);                                /* the body has ended */
        void *userdata;
};

void hv_http_intake(struct hv_http_request *req, const struct hv_http_intake *intake);
/* There is room again. */
void hv_http_intake_resume(struct hv_http_request *req);
