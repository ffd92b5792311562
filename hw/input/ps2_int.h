/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INPUT_PS2_INT_H
#define HW_INPUT_PS2_INT_H
/* ps2_int.h - the device end of a PS/2 link: what keyboard and mouse have in common. */
#include "hw/input/ps2.h"

enum { PS2_EVENT_SIZE = 256, PS2_REPLY_SIZE = 16 };
enum { PS2_ACK = 0xfa, PS2_RESEND = 0xfe, PS2_ECHO = 0xee, PS2_SELF_TEST_OK = 0xaa };

/* Replies to commands overtake events. All indices stay in range by masking. */
typedef struct Ps2Queue {
    uint8_t events[PS2_EVENT_SIZE];
    uint8_t replies[PS2_REPLY_SIZE];
    uint16_t event_head, event_count;
    uint8_t reply_head, reply_count;
    uint8_t last; /* byte sent, for a resend */
} Ps2Queue;

void ps2_queue_clear(Ps2Queue *queue);
void ps2_queue_clear_events(Ps2Queue *queue);
void ps2_queue_clear_replies(Ps2Queue *queue);
unsigned ps2_queue_room(const Ps2Queue *queue); /* for events */
void ps2_queue_event(Ps2Queue *queue, const uint8_t *bytes, unsigned n);
void ps2_queue_reply(Ps2Queue *queue, uint8_t byte);
bool ps2_queue_ready(const Ps2Queue *queue);
uint8_t ps2_queue_take(Ps2Queue *queue); /* empty: the last byte again */
void ps2_queue_loaded(Ps2Queue *queue);

#define PS2_QUEUE_FIELDS(device)                                                                   \
    STATE_ARRAY(STATE_BYTES, device, queue.events),                                                \
        STATE_ARRAY(STATE_BYTES, device, queue.replies),                                           \
        STATE_FIELD(STATE_U16, device, queue.event_head),                                          \
        STATE_FIELD(STATE_U16, device, queue.event_count),                                         \
        STATE_FIELD(STATE_U8, device, queue.reply_head),                                           \
        STATE_FIELD(STATE_U8, device, queue.reply_count),                                          \
        STATE_FIELD(STATE_U8, device, queue.last)

#endif
