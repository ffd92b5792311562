/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sort.c - quicksort with insertion sort below 12 elements: branches that nobody predicts. */
#include "kernel.h"

enum { COUNT = 4096, SMALL = 12 };

static void insertion_sort(uint32_t *v, int n)
{
    for (int i = 1; i < n; i++) {
        uint32_t x = v[i];
        int k = i;

        for (; k > 0 && v[k - 1] > x; k--) {
            v[k] = v[k - 1];
        }
        v[k] = x;
    }
}

static void quick_sort(uint32_t *v, int n)
{
    while (n > SMALL) {
        uint32_t pivot = v[n / 2];
        int i = 0, k = n - 1;

        for (;;) {
            while (v[i] < pivot) {
                i++;
            }
            while (v[k] > pivot) {
                k--;
            }
            if (i >= k) {
                break;
            }
            uint32_t x = v[i];
            v[i++] = v[k];
            v[k--] = x;
        }
        quick_sort(v + i, n - i);
        n = i;
    }
    insertion_sort(v, n);
}

uint64_t sort_run(uint64_t iterations)
{
    static uint32_t v[COUNT];
    uint32_t state = 12345;
    uint64_t sum = 0;

    for (uint64_t n = 0; n < iterations; n++) {
        for (int i = 0; i < COUNT; i++) {
            v[i] = random_next(&state);
        }
        quick_sort(v, COUNT);
        for (int i = 0; i < COUNT; i += 61) {
            sum = checksum_add(sum, v[i]);
        }
    }
    return sum;
}
