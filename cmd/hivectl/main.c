/* hivectl: the operator's command line. All of it is in pkg/cli. */
#include "cli/cli.h"

int main(int argc, char *argv[]) {
        return hv_cli_main(argc, argv);
}
