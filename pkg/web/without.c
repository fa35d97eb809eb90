/* What an agent serves that was built with -DHV_WEB=OFF: the agent works, and its page says what is missing. */
#include "web/assets.h"

#define PAGE                                                                                       \
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"                          \
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>hivelet</title>\n"        \
        "<h1>hivelet</h1>\n"                                                                       \
        "<p>This agent was built without its web interface (HV_WEB=OFF). It works all the same.\n" \
        "<p><code>hivectl status</code> tells how the node is, and so do\n"                        \
        "<a href=\"/api/v1/status\">/api/v1/status</a> and <a href=\"/health\">/health</a>.\n"     \
        "</html>\n"

const struct hv_web_asset hv_web_assets[] = {
        { .path = "",
          .content_type = "text/html; charset=utf-8",
          .plain = { .bytes = PAGE, .len_bytes = sizeof PAGE - 1, .tag = "without-web" } },
};
const size_t hv_web_n_assets = 1;
