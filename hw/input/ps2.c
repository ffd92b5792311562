/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ps2.c - the byte queues of a PS/2 device. */
#include "hw/input/ps2_int.h"

#include <glib.h>

void ps2_queue_clear_events(Ps2Queue *queue)
{
    queue->event_head = queue->event_count = 0;
}

void ps2_queue_clear_replies(Ps2Queue *queue)
{
    queue->reply_head = queue->reply_count = 0;
}

void ps2_queue_clear(Ps2Queue *queue)
{
    ps2_queue_clear_events(queue);
    ps2_queue_clear_replies(queue);
}

unsigned ps2_queue_room(const Ps2Queue *queue)
{
    return PS2_EVENT_SIZE - queue->event_count;
}

void ps2_queue_event(Ps2Queue *queue, const uint8_t *bytes, unsigned n)
{
    if (n > ps2_queue_room(queue)) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        queue->events[(queue->event_head + queue->event_count) % PS2_EVENT_SIZE] = bytes[i];
        queue->event_count++;
    }
}

void ps2_queue_reply(Ps2Queue *queue, uint8_t byte)
{
    if (queue->reply_count < PS2_REPLY_SIZE) {
        queue->replies[(queue->reply_head + queue->reply_count) % PS2_REPLY_SIZE] = byte;
        queue->reply_count++;
    }
}

bool ps2_queue_ready(const Ps2Queue *queue)
{
    return queue->reply_count != 0 || queue->event_count != 0;
}

uint8_t ps2_queue_take(Ps2Queue *queue)
{
    if (queue->reply_count != 0) {
        queue->last = queue->replies[queue->reply_head];
        queue->reply_head = (queue->reply_head + 1) % PS2_REPLY_SIZE;
        queue->reply_count--;
    } else if (queue->event_count != 0) {
        queue->last = queue->events[queue->event_head];
        queue->event_head = (queue->event_head + 1) % PS2_EVENT_SIZE;
        queue->event_count--;
    }
    return queue->last;
}

void ps2_queue_loaded(Ps2Queue *queue)
{
    queue->event_head %= PS2_EVENT_SIZE;
    queue->event_count = MIN(queue->event_count, PS2_EVENT_SIZE);
    queue->reply_head %= PS2_REPLY_SIZE;
    queue->reply_count = MIN(queue->reply_count, PS2_REPLY_SIZE);
}
