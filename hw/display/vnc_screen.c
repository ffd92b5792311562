/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vnc_screen.c - the picture that clients get, and the thread that brings it up to date. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */
#include <string.h>
#include <sys/mman.h>

#include "hw/display/vnc_int.h"

enum {
    FASTEST_US = 33 * 1000, /* between two refreshes */
    SLOWEST_US = 100 * 1000,
    SLOWER_US = 5 * 1000, /* added after each that found nothing new */
    CHANGED_MAX = 256,    /* rectangles; more become one */
};

/* The library's byte order: red first. */
static void copy_row(uint32_t *to, const uint32_t *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t pixel = from[i];

        to[i] = (pixel & 0x00ff00) | (pixel >> 16 & 0xff) | (pixel & 0xff) << 16;
    }
}

static void copy_rect(Vnc *vnc, const Rect *rect)
{
    const Surface *surface = console_surface(vnc->config.console);
    unsigned width = MIN(surface->width, (unsigned)VNC_MAX_WIDTH);
    unsigned height = MIN(surface->height, (unsigned)VNC_MAX_HEIGHT);
    unsigned right = MIN(rect->x + rect->width, width);

    for (unsigned y = rect->y; rect->x < right && y < MIN(rect->y + rect->height, height); y++) {
        copy_row((uint32_t *)vnc->frame + (size_t)y * width + rect->x,
                 surface->pixels + (size_t)y * surface->width + rect->x, right - rect->x);
    }
}

/* ---- The console's listener, with the device lock held ---- */

static void screen_resized(void *opaque)
{
    Vnc *vnc = opaque;
    const Surface *surface = console_surface(vnc->config.console);
    const Rect all = { 0, 0, surface->width, surface->height };

    vnc->resized = true;
    copy_rect(vnc, &all);
}

static void screen_changed(void *opaque, const Rect *rect)
{
    Vnc *vnc = opaque;
    Rect *last;

    copy_rect(vnc, rect);
    if (vnc->changed->len < CHANGED_MAX) {
        g_array_append_val(vnc->changed, *rect);
        return;
    }
    last = &g_array_index(vnc->changed, Rect, CHANGED_MAX - 1);
    unsigned right = MAX(last->x + last->width, rect->x + rect->width);
    unsigned bottom = MAX(last->y + last->height, rect->y + rect->height);

    last->x = MIN(last->x, rect->x);
    last->y = MIN(last->y, rect->y);
    last->width = right - last->x;
    last->height = bottom - last->y;
}

/* ---- The thread ---- */

/* Says what has changed to the library; without the device lock, as clients' threads may hold its
 * own locks while they want ours. */
static void screen_publish(Vnc *vnc, const GArray *changed, bool resized, unsigned width,
                           unsigned height)
{
    rfbScreenInfoPtr screen = vnc->screen;

    if (resized) {
        rfbNewFramebuffer(screen, (char *)vnc->frame, (int)width, (int)height, 8, 3, 4);
        return;
    }
    for (guint i = 0; i < changed->len; i++) {
        const Rect *rect = &g_array_index(changed, Rect, i);

        rfbMarkRectAsModified(screen, (int)rect->x, (int)rect->y, (int)(rect->x + rect->width),
                              (int)(rect->y + rect->height));
    }
}

bool vnc_screen_refresh(Vnc *vnc)
{
    GArray *changed = g_array_new(FALSE, FALSE, sizeof(Rect));
    const Surface *surface;
    unsigned width, height;
    bool resized, any;

    vnc->config.lock(vnc->config.opaque);
    console_refresh(vnc->config.console);
    surface = console_surface(vnc->config.console);
    width = MIN(surface->width, (unsigned)VNC_MAX_WIDTH);
    height = MIN(surface->height, (unsigned)VNC_MAX_HEIGHT);
    resized = vnc->resized;
    vnc->resized = false;
    g_array_append_vals(changed, vnc->changed->data, vnc->changed->len);
    g_array_set_size(vnc->changed, 0);
    vnc->config.unlock(vnc->config.opaque);
    any = resized || changed->len != 0;
    g_mutex_lock(&vnc->publishing);
    screen_publish(vnc, changed, resized, width, height);
    g_mutex_unlock(&vnc->publishing);
    g_array_free(changed, TRUE);
    return any;
}

/* False: it is time to end. */
static bool wait_for_clients(Vnc *vnc, int64_t us)
{
    int64_t until = g_get_monotonic_time() + us;

    g_mutex_lock(&vnc->mutex);
    while (!atomic_load(&vnc->stop)) {
        if (vnc->live == 0) {
            g_cond_wait(&vnc->idle, &vnc->mutex);
        } else if (!g_cond_wait_until(&vnc->idle, &vnc->mutex, until)) {
            break;
        }
        if (vnc->finished->len != 0) {
            break; /* threads to be joined */
        }
    }
    g_mutex_unlock(&vnc->mutex);
    return !atomic_load(&vnc->stop);
}

static void *screen_run(void *opaque)
{
    Vnc *vnc = opaque;
    int64_t pause = FASTEST_US;

    while (wait_for_clients(vnc, pause)) {
        bool changed = vnc_screen_refresh(vnc);

        pause = changed ? FASTEST_US : MIN(pause + SLOWER_US, (int64_t)SLOWEST_US);
        vnc_clients_tidy(vnc);
    }
    return NULL;
}

/* ---- Life ---- */

bool vnc_screen_open(Vnc *vnc)
{
    vnc->frame_size = (size_t)VNC_MAX_WIDTH * VNC_MAX_HEIGHT * 4;
    vnc->frame = mmap(NULL, vnc->frame_size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (vnc->frame == MAP_FAILED) {
        return false;
    }
    vnc->screen->frameBuffer = (char *)vnc->frame;
    vnc->changed = g_array_new(FALSE, FALSE, sizeof(Rect));
    vnc->listener = (ConsoleListener){ .resized = screen_resized,
                                       .changed = screen_changed,
                                       .opaque = vnc };
    vnc->config.lock(vnc->config.opaque);
    console_add_listener(vnc->config.console, &vnc->listener);
    screen_resized(vnc);
    vnc->config.unlock(vnc->config.opaque);
    vnc_screen_refresh(vnc);
    vnc->refreshes = pthread_create(&vnc->refreshing, NULL, screen_run, vnc) == 0;
    return vnc->refreshes;
}

void vnc_screen_close(Vnc *vnc)
{
    g_mutex_lock(&vnc->mutex);
    g_cond_broadcast(&vnc->idle);
    g_mutex_unlock(&vnc->mutex);
    pthread_join(vnc->refreshing, NULL);
    vnc->config.lock(vnc->config.opaque);
    console_remove_listener(vnc->config.console, &vnc->listener);
    vnc->config.unlock(vnc->config.opaque);
    g_array_free(vnc->changed, TRUE);
    munmap(vnc->frame, vnc->frame_size);
}
