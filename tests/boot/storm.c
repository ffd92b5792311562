/* SPDX-License-Identifier: GPL-2.0-or-later */
/* storm.c - a guest program whose threads, more than there are CPUs, do to one another what threads
 * can: code written and run by another, locked operations across cache lines, page protections that
 * change, processes, signals. What it prints does not depend on the order in which that happens. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8, ROUNDS = 96, PAGE = 4096, FUNCTIONS = 32, SLOT = PAGE / FUNCTIONS };

typedef uint32_t Function(void);

typedef struct Thread {
    pthread_t thread;
    unsigned number;
    uint32_t random;
    uint64_t sum;
    uint8_t *code; /* a page that this thread writes and its neighbour runs */
    pthread_mutex_t lock;
    uint32_t wanted[FUNCTIONS]; /* what the functions return, under the lock */
    volatile sig_atomic_t signals;
} Thread;

static Thread threads[THREADS];
static pthread_barrier_t
    together; /* all are there, all are done: until then they can be signalled */
static uint8_t counters[3 * 64] __attribute__((aligned(64)));
static _Thread_local Thread *self;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t random_next(Thread *t)
{
    t->random = t->random * 1664525u + 1013904223u;
    return t->random >> 8;
}

/* mov eax, value; ret */
static void function_write(uint8_t *at, uint32_t value)
{
    at[0] = 0xb8;
    memcpy(at + 1, &value, sizeof(value));
    at[5] = 0xc3;
}

static uint32_t function_call(const uint8_t *at)
{
    Function *function;

    memcpy(&function, &at, sizeof(function));
    return function();
}

/* Changes a function of its own, and runs one of its neighbour's. */
static void patch(Thread *t)
{
    Thread *other = &threads[(t->number + 1) % THREADS];
    uint32_t n = random_next(t) % FUNCTIONS, value = random_next(t);

    pthread_mutex_lock(&t->lock);
    function_write(t->code + n * SLOT, value);
    t->wanted[n] = value;
    pthread_mutex_unlock(&t->lock);
    n = random_next(t) % FUNCTIONS;
    pthread_mutex_lock(&other->lock);
    if (function_call(other->code + n * SLOT) != other->wanted[n]) {
        printf("storm: thread %u ran old code of its neighbour\n", t->number);
    }
    pthread_mutex_unlock(&other->lock);
    t->sum += value;
}

/* New pages for code, which are written, protected, run, and given back. */
static void generate(Thread *t)
{
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        fail("mmap");
    }
    for (unsigned i = 0; i < 4; i++) {
        uint32_t value = random_next(t);

        function_write(page + i * 64, value);
        if (mprotect(page, PAGE, PROT_READ | PROT_EXEC) != 0) {
            fail("mprotect");
        }
        t->sum += function_call(page + i * 64) ^ value;
        t->sum += function_call(page + i * 64);
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    }
    munmap(page, PAGE);
}

/* In a line, and across the end of one. */
static void count(Thread *t)
{
    for (unsigned i = 0; i < 50; i++) {
        __asm__ volatile("lock incl %0" : "+m"(*(uint32_t *)(void *)counters) : : "memory", "cc");
        __asm__ volatile("lock addl $3, %0"
                         : "+m"(*(uint32_t *)(void *)(counters + 126))
                         :
                         : "memory", "cc");
    }
    t->sum += 50;
}

static void spawn(Thread *t)
{
    uint32_t value = random_next(t) & 0x7f;
    pid_t child = fork();
    int status;

    if (child < 0) {
        fail("fork");
    }
    if (child == 0) {
        function_write(t->code, value); /* its own copy */
        _exit((int)function_call(t->code));
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        fail("waitpid");
    }
    t->sum += (uint32_t)WEXITSTATUS(status);
}

static void on_signal(int number)
{
    (void)number;
    self->signals++; /* signals are for the threads alone, which have set it */
}

static void signal_neighbour(Thread *t)
{
    pthread_kill(threads[(t->number + 3) % THREADS].thread, SIGUSR1);
}

static void *run(void *opaque)
{
    Thread *t = opaque;

    self = t;
    pthread_barrier_wait(&together);
    for (unsigned i = 0; i < ROUNDS; i++) {
        patch(t);
        count(t);
        if (i % 4 == 0) {
            generate(t);
        }
        if (i % 16 == 0) {
            spawn(t);
        }
        if (i % 8 == 0 && i > ROUNDS / 8 && i < ROUNDS / 2) {
            signal_neighbour(t);
        }
    }
    pthread_barrier_wait(&together);
    return NULL;
}

int main(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    uint32_t one, two;

    sigaction(SIGUSR1, &action, NULL);
    pthread_barrier_init(&together, NULL, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        Thread *t = &threads[i];

        t->number = i;
        t->random = i * 2654435761u;
        pthread_mutex_init(&t->lock, NULL);
        t->code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        if (t->code == MAP_FAILED) {
            fail("mmap");
        }
        for (unsigned n = 0; n < FUNCTIONS; n++) {
            function_write(t->code + n * SLOT, n);
            t->wanted[n] = n;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i].thread, NULL, run, &threads[i]) != 0) {
            fail("pthread_create");
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        printf("storm: thread %u %016llx\n", i, (unsigned long long)threads[i].sum);
    }
    memcpy(&one, counters, 4);
    memcpy(&two, counters + 126, 4);
    printf("storm: counters %u %u\n", one, two);
    return 0;
}
