/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runtime/engine/thread_timer.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's name of the field; not every libc has one. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

bool thread_timer_create(clockid_t clock, int signal, timer_t *timer)
{
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signal };

    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    return timer_create(clock, &event, timer) == 0;
}
