/* Prints the description of the API as the agent would serve it, for hack/gen-openapi. */
#include <stdio.h>

#include "http/openapi.h"
#include "stage.h"

int main(void) {
        _hv_cleanup_(stage_freep) struct stage *s = stage_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        hv_openapi_yaml(s->server, &text);
        return fputs(hv_buf_str(&text), stdout) < 0;
}
