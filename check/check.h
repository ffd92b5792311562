/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H
/* check.h - doppel-check: the software CPU and the translator against real chips, and two decoders
 * against each other.
 *
 *   vectors   tests that were captured from real chips          vectors.c, vector_*.c
 *   decode    Zydis against Capstone                            decode.c
 *   native    random instructions on the host CPU itself        native*.c
 *   system    random privileged code, the two with each other or with QEMU
 *                                                               system*.c
 *   smp       several CPUs' memory order, code that is changed
 *                                                               smp*.c
 *   host      what the host CPU has answered to the software CPU
 *                                                               host.c
 *   replay    a difference that native, system or a guest's verification has saved
 *                                                native_report.c, system_report.c, block_replay.c
 *
 * Exit status of all: 0 no difference, 1 differences, 2 it could not be checked. */
#include <glib.h>

typedef enum CheckErrorCode {
    CHECK_ERROR_USAGE,
    CHECK_ERROR_FILE,
    CHECK_ERROR_HOST
} CheckErrorCode;
#define CHECK_ERROR (check_error_quark())
GQuark check_error_quark(void);

enum { CHECK_AGREES, CHECK_DIFFERS, CHECK_FAILED };

/* A sub-command: argv[0] is its name. Returns the exit status, or CHECK_FAILED with *error. */
typedef int (*CheckCommand)(int argc, char **argv, GError **error);
int vectors_command(int argc, char **argv, GError **error);
int decode_command(int argc, char **argv, GError **error);
int native_command(int argc, char **argv, GError **error);
int system_command(int argc, char **argv, GError **error);
int smp_command(int argc, char **argv, GError **error);
int host_command(int argc, char **argv, GError **error);
int replay_command(int argc, char **argv, GError **error);

/* A progress bar on standard error, if that is a terminal; at most ten times a second. */
void check_progress(const char *what, double done);
void check_progress_end(void);

#endif
