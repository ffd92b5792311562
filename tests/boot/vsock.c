/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vsock - in the guest: tells the host its status at port 1234 and prints the answer; then takes
 * one caller at port 22, and sends back what that sends. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/vm_sockets.h>

enum { STATUS_PORT = 1234, ECHO_PORT = 22 };

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static int status_tell(void)
{
    const struct sockaddr_vm host = { .svm_family = AF_VSOCK,
                                      .svm_cid = VMADDR_CID_HOST,
                                      .svm_port = STATUS_PORT };
    static const char status[] = "status 42\n";
    char answer[100];
    ssize_t got;
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&host, sizeof(host)) != 0 ||
        write(fd, status, strlen(status)) < 0) {
        return fail("vsock: connect");
    }
    got = read(fd, answer, sizeof(answer) - 1);
    answer[got > 0 ? got : 0] = '\0';
    printf("vsock: the host says %s\n", answer);
    close(fd);
    return 0;
}

static int echo(void)
{
    const struct sockaddr_vm own = { .svm_family = AF_VSOCK,
                                     .svm_cid = VMADDR_CID_ANY,
                                     .svm_port = ECHO_PORT };
    static char data[65536];
    long total = 0;
    ssize_t got;
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0), caller;

    if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) != 0 || listen(fd, 1) != 0) {
        return fail("vsock: listen");
    }
    printf("vsock: listening\n");
    fflush(stdout);
    caller = accept(fd, NULL, NULL);
    while ((got = read(caller, data, sizeof(data))) > 0) {
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(caller, data + at, (size_t)(got - at));

            if (put <= 0) {
                return fail("vsock: write");
            }
            at += put;
        }
        total += got;
    }
    close(caller);
    printf("vsock: %ld bytes sent back\n", total);
    return 0;
}

int main(void)
{
    return status_tell() != 0 || echo() != 0;
}
