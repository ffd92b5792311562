/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main.c - doppel-img: disk images from the command line, with qemu-img's words. */
#include "tools/img/img.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    ImgCommand *run;
    const char *words;
} commands[] = {
    { "amend", img_amend, "[-p] [-q] [-f fmt] [-t cache] -o options filename" },
    { "bench", img_bench,
      "[-c count] [-d depth] [-f fmt] [--flush-interval=n] [-o offset] [--pattern=pattern] [-q] "
      "[-s buffer_size] [-S step_size] [-t cache] [-w] [-U] filename" },
    { "bitmap", img_bitmap,
      "(--add | --remove | --clear | --enable | --disable)... [-g granularity] [-f fmt] filename "
      "bitmap" },
    { "check", img_check,
      "[-q] [-f fmt] [--output=ofmt] [-r [leaks | all]] [-T src_cache] [-U] filename" },
    { "commit", img_commit, "[-q] [-f fmt] [-t cache] [-b base] [-d] [-p] filename" },
    { "compare", img_compare,
      "[-f fmt] [-F fmt] [-T src_cache] [-p] [-q] [-s] [-U] filename1 filename2" },
    { "convert", img_convert,
      "[--target-is-zero] [-U] [-c] [-p] [-q] [-n] [-f fmt] [-t cache] [-T src_cache] [-O output_fmt] "
      "[-B backing_file [-F backing_fmt]] [-o options] [-l snapshot_param] [-S sparse_size] "
      "[-m num_coroutines] [-W] [--salvage] filename [filename2 [...]] output_filename" },
    { "create", img_create,
      "[-q] [-f fmt] [-b backing_file [-F backing_fmt]] [-u] [-o options] filename [size]" },
    { "dd", img_dd,
      "[-U] [-f fmt] [-O output_fmt] [bs=block_size] [count=blocks] [skip=blocks] if=input of=output" },
    { "info", img_info, "[-f fmt] [--output=ofmt] [--backing-chain] [-U] filename" },
    { "map", img_map,
      "[-f fmt] [--start-offset=offset] [--max-length=len] [--output=ofmt] [-U] filename" },
    { "measure", img_measure,
      "[--output=ofmt] [-O output_fmt] [-o options] [--size N | [-f fmt] [-l snapshot_param] filename]" },
    { "snapshot", img_snapshot,
      "[-U] [-q] [-l | -a snapshot | -c snapshot | -d snapshot] filename" },
    { "rebase", img_rebase,
      "[-U] [-q] [-f fmt] [-t cache] [-T src_cache] [-p] [-u] -b backing_file [-F backing_fmt] filename" },
    { "resize", img_resize,
      "[-f fmt] [--preallocation=prealloc] [-q] [--shrink] filename [+ | -]size" },
};

static int help(void)
{
    printf("qemu-img version 7.2.0 (doppel-img " DOPPEL_VERSION ")\n"
           "usage: doppel-img [standard options] command [command options]\n"
           "disk image utility of doppel\n\n"
           "    '-h', '--help'       display this help and exit\n"
           "    '-V', '--version'    output version information and exit\n\n"
           "Command syntax:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        printf("  %s [--image-opts] %s\n", commands[i].name, commands[i].words);
    }
    printf("\nSupported formats: raw qcow2, and to read vdi vpc vhdx vmdk\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : NULL;

    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an I/O error */
    if (command == NULL) {
        return img_usage("Not enough arguments");
    }
    if (strcmp(command, "-h") == 0 || strcmp(command, "--help") == 0) {
        return help();
    }
    if (strcmp(command, "-V") == 0 || strcmp(command, "--version") == 0) {
        printf("qemu-img version 7.2.0 (doppel-img " DOPPEL_VERSION ")\n");
        return 0;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i].name, command) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return *command == '-' ? img_usage("unrecognized option '%s'", command)
                           : img_usage("Command not found: %s", command);
}
