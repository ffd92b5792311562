/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tree.c - an unbalanced search tree on the heap: malloc, free and chains of dependent loads. */
#include "kernel.h"

#include <stdlib.h>

enum { NODES = 2048 };

typedef struct Node {
    struct Node *less, *more;
    uint32_t key, hits;
} Node;

static uint32_t tree_insert(Node **at, uint32_t key)
{
    uint32_t depth = 0;

    while (*at) {
        if ((*at)->key == key) {
            return ++(*at)->hits;
        }
        at = key < (*at)->key ? &(*at)->less : &(*at)->more;
        depth++;
    }
    *at = calloc(1, sizeof **at);
    if (!*at) {
        abort();
    }
    (*at)->key = key;
    return depth;
}

static void tree_free(Node *node)
{
    if (node) {
        tree_free(node->less);
        tree_free(node->more);
        free(node);
    }
}

uint64_t tree_run(uint64_t iterations)
{
    uint32_t state = 5;
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        Node *root = 0;

        for (int i = 0; i < NODES * 2; i++) {
            sum = checksum_add(sum, tree_insert(&root, random_next(&state) % NODES));
        }
        tree_free(root);
    }
    return sum;
}
