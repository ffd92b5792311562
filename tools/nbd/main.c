/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - doppel-nbd: serves a disk image to NBD clients, with qemu-nbd's words. */
#include "tools/nbd/nbd.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPT_FORK = 256,
    OPT_PID_FILE,
    OPT_IMAGE_OPTS,
    OPT_CACHE,
    OPT_DISCARD,
    OPT_ZEROES,
    OPT_AIO,
    OPT_TLS,
    OPT_OBJECT,
    OPT_SELINUX
};

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "version", no_argument, NULL, 'V' },
    { "bind", required_argument, NULL, 'b' },
    { "port", required_argument, NULL, 'p' },
    { "socket", required_argument, NULL, 'k' },
    { "offset", required_argument, NULL, 'o' },
    { "read-only", no_argument, NULL, 'r' },
    { "allocation-depth", no_argument, NULL, 'A' },
    { "bitmap", required_argument, NULL, 'B' },
    { "connect", required_argument, NULL, 'c' },
    { "disconnect", no_argument, NULL, 'd' },
    { "list", no_argument, NULL, 'L' },
    { "snapshot", no_argument, NULL, 's' },
    { "load-snapshot", required_argument, NULL, 'l' },
    { "nocache", no_argument, NULL, 'n' },
    { "shared", required_argument, NULL, 'e' },
    { "format", required_argument, NULL, 'f' },
    { "persistent", no_argument, NULL, 't' },
    { "verbose", no_argument, NULL, 'v' },
    { "export-name", required_argument, NULL, 'x' },
    { "description", required_argument, NULL, 'D' },
    { "trace", required_argument, NULL, 'T' },
    { "fork", no_argument, NULL, OPT_FORK },
    { "pid-file", required_argument, NULL, OPT_PID_FILE },
    { "image-opts", no_argument, NULL, OPT_IMAGE_OPTS },
    { "cache", required_argument, NULL, OPT_CACHE },
    { "discard", required_argument, NULL, OPT_DISCARD },
    { "detect-zeroes", required_argument, NULL, OPT_ZEROES },
    { "aio", required_argument, NULL, OPT_AIO },
    { "tls-creds", required_argument, NULL, OPT_TLS },
    { "tls-authz", required_argument, NULL, OPT_TLS },
    { "tls-hostname", required_argument, NULL, OPT_TLS },
    { "object", required_argument, NULL, OPT_OBJECT },
    { "selinux-label", required_argument, NULL, OPT_SELINUX },
    { 0 },
};

int nbd_fail(const char *format, ...)
{
    va_list list;

    fputs("doppel-nbd: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    return 1;
}

int nbd_fail_error(GError *error)
{
    nbd_fail("%s", error->message);
    g_error_free(error);
    return 1;
}

static int help(void)
{
    printf("Usage: doppel-nbd [OPTIONS] FILE\n"
           "  or:  doppel-nbd -L [OPTIONS]\n"
           "Serves a disk image to clients of the NBD protocol\n\n"
           "  -h, --help                display this help and exit\n"
           "  -V, --version             output version information and exit\n\n"
           "Where it listens:\n"
           "  -p, --port=PORT           port (default 10809)\n"
           "  -b, --bind=IFACE          interface (default 0.0.0.0)\n"
           "  -k, --socket=PATH         a UNIX socket instead\n"
           "  -e, --shared=NUM          clients at the same time (default 1, 0: no limit)\n"
           "  -t, --persistent          do not exit when the last client leaves\n\n"
           "What it exports:\n"
           "  -o, --offset=OFFSET       where in the image the export begins\n"
           "  -r, --read-only           read-only\n"
           "  -x, --export-name=NAME    its name (default: empty)\n"
           "  -D, --description=TEXT    what clients are told about it\n"
           "  -A, --allocation-depth    offer the context qemu:allocation-depth\n"
           "  -B, --bitmap=NAME         offer a dirty bitmap of the image\n"
           "  -s, --snapshot            writes go to a temporary file\n"
           "  -l, --load-snapshot=NAME  an internal snapshot, read-only\n\n"
           "The image:\n"
           "  -f, --format=FORMAT       raw, qcow2, ... (default: as it looks)\n"
           "      --image-opts          FILE is options of a block node\n"
           "      --cache=MODE          none, writeback, writethrough, directsync, unsafe\n"
           "  -n, --nocache             --cache=none\n"
           "      --aio=MODE            threads, native, io_uring\n"
           "      --discard=MODE        ignore, unmap (default: ignore)\n"
           "      --detect-zeroes=MODE  off, on, unmap\n\n"
           "The process:\n"
           "      --fork                go to the background when clients can come\n"
           "      --pid-file=PATH       write the process id there\n"
           "  -L, --list                list the exports of another server\n");
    return 0;
}

static bool number(const char *text, const char *what, uint64_t most, uint64_t *value)
{
    char *end = NULL;

    *value = g_ascii_strtoull(text, &end, 0);
    if (end == text || *end != '\0' || *text == '-' || *value > most) {
        nbd_fail("Invalid %s '%s'", what, text);
        return false;
    }
    return true;
}

/* What is known and cannot be had; NULL: something else. */
static const char *refusal(int option)
{
    switch (option) {
    case 'c':
    case 'd':
        return "/dev/nbdN is not supported: use nbd-client, or a program that speaks NBD";
    case 'T':
        return "tracing is not supported";
    case OPT_TLS:
        return "TLS is not supported";
    case OPT_OBJECT:
        return "objects are not supported: there is no TLS and no encryption to have secrets for";
    case OPT_SELINUX:
        return "SELinux labels are not supported";
    default:
        return NULL;
    }
}

static bool word_of(const char *option, const char *value, const char *const *words)
{
    if (g_strv_contains(words, value)) {
        return true;
    }
    nbd_fail("Invalid %s mode '%s'", option, value);
    return false;
}

/* Options with a word of a set. */
static bool take_word(NbdOptions *options, int option)
{
    static const char *const caches[] = { "none",         "writeback", "directsync",
                                          "writethrough", "unsafe",    NULL };
    static const char *const discards[] = { "ignore", "off", "unmap", "on", NULL };
    static const char *const zeroes[] = { "off", "on", "unmap", NULL };
    static const char *const aios[] = { "threads", "native", "io_uring", NULL };

    switch (option) {
    case OPT_CACHE:
        options->cache = optarg;
        return word_of("cache", optarg, caches);
    case OPT_DISCARD:
        options->discard = optarg;
        return word_of("discard", optarg, discards);
    case OPT_ZEROES:
        options->zeroes = optarg;
        return word_of("detect-zeroes", optarg, zeroes);
    default:
        return word_of("aio", optarg, aios);
    }
}

static bool take_number(NbdOptions *options, int option)
{
    uint64_t value;

    switch (option) {
    case 'o':
        return number(optarg, "offset", INT64_MAX, &options->offset);
    case 'e':
        if (!number(optarg, "shared device number", G_MAXINT, &value)) {
            return false;
        }
        options->shared = (unsigned)value;
        return true;
    default:
        options->port = optarg;
        if (!number(optarg, "port", 65535, &value)) {
            return false;
        }
        return value > 0 || (nbd_fail("Port out of range '%s'", optarg), false);
    }
}

static bool take_string(NbdOptions *options, int option)
{
    const struct {
        int option;
        const char **value;
    } strings[] = {
        { 'b', &options->bind },
        { 'k', &options->path },
        { 'l', &options->load },
        { 'f', &options->format },
        { 'x', &options->name },
        { 'D', &options->description },
        { OPT_PID_FILE, &options->pid_file },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        if (strings[i].option == option) {
            *strings[i].value = optarg;
            return true;
        }
    }
    return false;
}

static bool take_flag(NbdOptions *options, int option)
{
    const struct {
        int option;
        bool *value;
    } flags[] = {
        { 'r', &options->readonly },
        { 's', &options->snapshot },
        { 't', &options->persistent },
        { 'L', &options->list },
        { 'A', &options->depth },
        { OPT_FORK, &options->fork },
        { OPT_IMAGE_OPTS, &options->image_opts },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (flags[i].option == option) {
            *flags[i].value = true;
            return true;
        }
    }
    return false;
}

/* One option that has to do with the service; false: what is wrong has been said. */
static bool take(NbdOptions *options, int option)
{
    if (refusal(option) != NULL) {
        nbd_fail("%s", refusal(option));
        return false;
    }
    if (take_flag(options, option) || take_string(options, option)) {
        return true;
    }
    switch (option) {
    case 'n':
        options->cache = "none";
        return true;
    case 'v': /* there is nothing more to tell */
        return true;
    case 'B':
        g_ptr_array_add(options->bitmaps, optarg);
        return true;
    case 'o':
    case 'e':
    case 'p':
        return take_number(options, option);
    case OPT_CACHE:
    case OPT_DISCARD:
    case OPT_ZEROES:
    case OPT_AIO:
        return take_word(options, option);
    default:
        fputs("Try 'doppel-nbd --help' for more information.\n", stderr);
        return false;
    }
}

static int run(NbdOptions *options, int argc, char **argv)
{
    g_ptr_array_add(options->bitmaps, NULL);
    if (options->list) {
        return argc > optind ? nbd_fail("List mode is incompatible with a file name")
                             : nbd_list(options);
    }
    if (argc - optind != 1) {
        nbd_fail("Invalid number of arguments");
        fputs("Try 'doppel-nbd --help' for more information.\n", stderr);
        return 1;
    }
    options->image = argv[optind];
    return nbd_serve(options);
}

int main(int argc, char **argv)
{
    NbdOptions options = { .name = "", .shared = 1, .bitmaps = g_ptr_array_new() };
    int option, status;

    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an I/O error */
    signal(SIGPIPE, SIG_IGN);
    while ((option = getopt_long(argc, argv, "hVb:p:k:o:rAB:c:dLsl:ne:f:tvx:D:T:", long_options,
                                 NULL)) != -1) {
        if (option == 'h') {
            return help();
        }
        if (option == 'V') {
            printf("qemu-nbd 7.2.0 (doppel-nbd " DOPPEL_VERSION ")\n");
            return 0;
        }
        if (!take(&options, option)) {
            return 1;
        }
    }
    status = run(&options, argc, argv);
    g_ptr_array_unref(options.bitmaps);
    return status;
}
