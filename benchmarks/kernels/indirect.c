/* SPDX-License-Identifier: GPL-2.0-or-later */
/* indirect.c - calls through pointers in an order that changes: what object-oriented code does. */
#include "kernel.h"

typedef struct Shape {
    uint32_t (*area)(const struct Shape *shape);
    uint32_t a, b;
} Shape;

enum { SHAPES = 256 };

static uint32_t area_square(const Shape *s)
{
    return s->a * s->a;
}
static uint32_t area_rectangle(const Shape *s)
{
    return s->a * s->b;
}
static uint32_t area_triangle(const Shape *s)
{
    return s->a * s->b / 2;
}
static uint32_t area_point(const Shape *s)
{
    return s->a ^ s->b;
}
static uint32_t area_ring(const Shape *s)
{
    return s->a * s->a - s->b;
}
static uint32_t area_cross(const Shape *s)
{
    return s->a + s->b * 4;
}

uint64_t indirect_run(uint64_t iterations)
{
    static uint32_t (*const areas[])(const Shape *) = { area_square, area_rectangle, area_triangle,
                                                        area_point,  area_ring,      area_cross };
    Shape shapes[SHAPES];
    uint32_t state = 8;
    uint64_t sum = 0;

    for (int i = 0; i < SHAPES; i++) {
        shapes[i].area = areas[random_next(&state) % 6];
        shapes[i].a = random_next(&state) % 1000;
        shapes[i].b = random_next(&state) % 1000;
    }
    for (uint64_t n = 0; n < iterations; n++) {
        for (int i = 0; i < SHAPES; i++) {
            sum += shapes[i].area(&shapes[i]);
        }
        sum = checksum_add(sum, n);
        shapes[n % SHAPES].area = areas[random_next(&state) % 6];
    }
    return sum;
}
