/* SPDX-License-Identifier: GPL-2.0-or-later */
/* node_throttle.c - requests of a node that wait until its throttle lets them go. */
#include "hw/block/node_int.h"

/* ---- Nodes ---- */

static bool is_throttled(const Request *request)
{
    return request->kind == REQUEST_READ || request->kind == REQUEST_WRITE ||
           request->kind == REQUEST_ZEROES;
}

/* When the first that waits may go; -1: none waits. */
static int64_t throttled_go_locked(BlockNode *node)
{
    int64_t now = g_get_monotonic_time(), ready = -1;

    for (unsigned write = 0; write < 2; write++) {
        GQueue *queue = &node->throttled[write];
        Request *request;

        while ((request = g_queue_peek_head(queue)) != NULL) {
            int64_t wait = node->throttle != NULL && !node->draining
                               ? throttle_ask(node->throttle, write != 0, request->size, now)
                               : 0;

            if (wait > 0) {
                ready = ready < 0 ? now + wait : MIN(ready, now + wait);
                break;
            }
            g_thread_pool_push(node->workers, g_queue_pop_head(queue), NULL);
        }
    }
    return ready;
}

void node_throttle_go(BlockNode *node)
{
    int64_t ready;

    g_mutex_lock(&node->lock);
    ready = throttled_go_locked(node);
    g_mutex_unlock(&node->lock);
    if (node->timer != NULL) {
        g_source_set_ready_time(node->timer, ready);
    }
}

void node_push(BlockNode *node, Request *request)
{
    if (node->throttle == NULL || !is_throttled(request)) {
        g_thread_pool_push(node->workers, request, NULL);
        return;
    }
    g_mutex_lock(&node->lock);
    g_queue_push_tail(&node->throttled[request->kind != REQUEST_READ], request);
    g_mutex_unlock(&node->lock);
    node_throttle_go(node);
}

void node_throttle_drain(BlockNode *node, bool drain)
{
    g_mutex_lock(&node->lock);
    node->draining = drain;
    g_mutex_unlock(&node->lock);
    if (drain) {
        node_throttle_go(node);
    }
}

Throttle *block_throttle(const BlockNode *node)
{
    return node->throttle;
}

/* The group of this name, made or with new limits; without limits: as it is. */
static Throttle *group_of(BlockNode *node, const char *name, const ThrottleConfig *config)
{
    Throttle *throttle = block_graph_throttle(node->graph, name);

    if (throttle == NULL) {
        throttle = throttle_new(name, config);
        block_graph_add_throttle(node->graph, throttle);
        throttle_unref(throttle);
    } else if (throttle_config_is_on(config)) {
        throttle_configure(throttle, config);
    }
    return throttle;
}

bool block_set_throttle(BlockNode *node, const char *group, const ThrottleConfig *config,
                        GError **error)
{
    bool on = group != NULL || throttle_config_is_on(config);
    Throttle *throttle = NULL, *old;

    if (!throttle_config_check(config, error)) {
        return false;
    }
    if (on) {
        const char *own = node->id != NULL ? node->id : "";

        throttle = throttle_ref(group_of(node, group != NULL ? group : own, config));
    }
    g_mutex_lock(&node->lock);
    old = node->throttle;
    node->throttle = throttle;
    g_mutex_unlock(&node->lock);
    throttle_unref(old);
    node_throttle_go(node);
    return true;
}
