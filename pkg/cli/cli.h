/* cli/cli.h - hivectl: the operator's command line.
 *
 *      argv -> option.h, verb.h -> a verb's function -> client.h (unix socket) -> output.h, table.h
 *
 * Streams  what was asked for goes to standard output, everything else to standard error; nothing is ever
 *          read from a terminal. Exit codes: cli/exit_code.h.
 */
#pragma once

/* Runs one command; returns the exit code. Reads the environment, writes to stdout and stderr. */
int hv_cli_main(int argc, char *const argv[]);
