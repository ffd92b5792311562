/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HW_STATE_RUBBISH_H
#define TESTS_HW_STATE_RUBBISH_H
/* state_rubbish.h - puts states into the devices of a board that no machine ever had, as a damaged
 * file would: random fields, then what follows when all have theirs. */
#include "hw/board.h"

typedef struct StateRubbish {
    GRand *rand;
    bool follow;
} StateRubbish;

static inline void state_rubbish_visit(void *opaque, const StateTable *table, unsigned instance,
                                       void *device)
{
    static const unsigned widths[] = {
        [STATE_U8] = 1,   [STATE_U16] = 2,   [STATE_U32] = 4,    [STATE_U64] = 8,
        [STATE_BOOL] = 1, [STATE_BYTES] = 1, [STATE_BUFFER] = 0,
    };
    const StateRubbish *rubbish = opaque;

    (void)instance;
    if (rubbish->follow) {
        state_loaded(table, device);
        return;
    }
    for (const StateField *field = table->fields; field->name != NULL; field++) {
        uint8_t *bytes = (uint8_t *)device + field->offset;
        unsigned size = field->count * widths[field->type];

        if (g_rand_int_range(rubbish->rand, 0, 4) != 0) {
            continue;
        }
        for (unsigned i = 0; i < size; i++) {
            bytes[i] = field->type == STATE_BOOL ? (uint8_t)g_rand_int_range(rubbish->rand, 0, 2)
                                                 : (uint8_t)g_rand_int(rubbish->rand);
        }
    }
}

static inline void state_rubbish(Board *board, GRand *rand)
{
    StateRubbish rubbish = { rand, false };

    board_each_state(board, state_rubbish_visit, &rubbish);
    rubbish.follow = true;
    board_each_state(board, state_rubbish_visit, &rubbish);
}

#endif
