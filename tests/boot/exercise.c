/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exercise.c - a program for the guest: uses what programs use of a kernel and a CPU, and prints a
 * checksum for each part.  Everything is deterministic, so that the same program, run on the host,
 * prints the same.  Linked statically, for 64 and for 32 bits. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096 };

static uint64_t hash_add(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * 0x100000001b3ull; /* FNV-1a */
    }
    return hash;
}

static uint64_t hash_number(uint64_t hash, uint64_t value)
{
    return hash_add(hash, &value, sizeof(value));
}

static uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void need(bool ok, const char *what)
{
    if (!ok) {
        printf("exercise: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* ---- Signals ---- */

static sigjmp_buf signal_return;
static volatile uint64_t signal_hash;

static void signal_jumps(int number, siginfo_t *info, void *context)
{
    (void)context;
    signal_hash = hash_number(hash_number(signal_hash, (uint64_t)number), (uint64_t)info->si_code);
    if (number == SIGSEGV) {
        signal_hash = hash_number(signal_hash, (uintptr_t)info->si_addr & (PAGE - 1));
    }
    siglongjmp(signal_return, 1);
}

static void signal_counts(int number)
{
    signal_hash = hash_number(signal_hash, (uint64_t)number);
}

static void signal_install(int number, void (*jump)(int, siginfo_t *, void *), void (*count)(int))
{
    struct sigaction action = { .sa_flags = SA_ONSTACK | SA_NODEFER };

    if (jump != NULL) {
        action.sa_sigaction = jump;
        action.sa_flags |= SA_SIGINFO;
    } else {
        action.sa_handler = count;
    }
    need(sigaction(number, &action, NULL) == 0, "sigaction");
}

static uint64_t exercise_signals(void)
{
    volatile int zero = 0;
    uint8_t *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    stack_t stack = { .ss_sp = malloc(64 * 1024), .ss_size = 64 * 1024 };

    need(page != MAP_FAILED && sigaltstack(&stack, NULL) == 0, "sigaltstack");
    signal_install(SIGUSR1, NULL, signal_counts);
    signal_install(SIGSEGV, signal_jumps, NULL);
    signal_install(SIGFPE, signal_jumps, NULL);
    signal_install(SIGILL, signal_jumps, NULL);
    for (int i = 0; i < 100; i++) {
        raise(SIGUSR1);
        if (sigsetjmp(signal_return, 1) == 0) {
            *(volatile uint8_t *)(page + i) = 1;
        }
        if (sigsetjmp(signal_return, 1) == 0) {
            signal_hash = hash_number(signal_hash, (uint64_t)(i / zero));
        }
        if (sigsetjmp(signal_return, 1) == 0) {
            __asm__ volatile("ud2");
        }
    }
    munmap(page, PAGE);
    return signal_hash;
}

/* ---- Processes ---- */

static uint64_t exercise_fork(void)
{
    uint64_t hash = 1,
             *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int fds[2];

    need(shared != MAP_FAILED && pipe(fds) == 0, "pipe");
    for (unsigned i = 0; i < 20; i++) {
        uint64_t answer = 0;
        int status;
        pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0) {
            uint64_t state = i + 1;

            for (int n = 0; n < 1000; n++) {
                answer += random_next(&state);
            }
            shared[i] = answer;
            need(write(fds[1], &answer, sizeof(answer)) == sizeof(answer), "write");
            _exit((int)i);
        }
        need(read(fds[0], &answer, sizeof(answer)) == sizeof(answer), "read");
        need(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == (int)i, "waitpid");
        hash = hash_number(hash_number(hash, answer), shared[i]);
    }
    close(fds[0]);
    close(fds[1]);
    munmap(shared, PAGE);
    return hash;
}

/* The program runs itself; the child answers through a pipe. */
static uint64_t exercise_exec(const char *self)
{
    uint64_t hash = 2;

    for (int i = 0; i < 5; i++) {
        char number[16], answer[64] = { 0 };
        int fds[2], status;
        pid_t pid;

        need(pipe(fds) == 0, "pipe");
        snprintf(number, sizeof(number), "%d", i);
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
            dup2(fds[1], STDOUT_FILENO);
            close(fds[0]);
            execl(self, self, "child", number, (char *)NULL);
            _exit(127);
        }
        close(fds[1]);
        for (size_t at = 0; at < sizeof(answer) - 1;) {
            ssize_t n = read(fds[0], answer + at, sizeof(answer) - 1 - at);

            if (n <= 0) {
                break;
            }
            at += (size_t)n;
        }
        close(fds[0]);
        need(waitpid(pid, &status, 0) == pid && status == 0, "exec");
        hash = hash_add(hash, answer, strlen(answer));
    }
    return hash;
}

/* ---- Memory ---- */

static uint64_t exercise_mmap(void)
{
    enum { PAGES = 200 };
    char name[] = "/tmp/exercise-XXXXXX";
    int fd = mkstemp(name);
    uint64_t hash = 3, state = 7;
    uint64_t *shared, *private;

    need(fd >= 0 && unlink(name) == 0 && ftruncate(fd, PAGES * PAGE) == 0, "temporary file");
    shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    need(shared != MAP_FAILED && private != MAP_FAILED, "mmap");
    for (size_t i = 0; i < PAGES * PAGE / sizeof(*shared); i += 16) {
        shared[i] = random_next(&state);
    }
    for (size_t i = 0; i < PAGES; i += 3) {
        private[i * PAGE / sizeof(*private)] += i; /* copy on write */
    }
    for (size_t i = 0; i < PAGES * PAGE / sizeof(*shared); i += 16) {
        hash = hash_number(hash, shared[i] + 3 * private[i]);
    }
    for (size_t i = 0; i < PAGES; i++) {
        uint64_t word;

        need(pread(fd, &word, sizeof(word), (off_t)(i * PAGE)) == sizeof(word), "pread");
        hash = hash_number(hash, word);
    }
    private = mremap(private, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
    need(private != MAP_FAILED, "mremap");
    need(munmap(shared, PAGES * PAGE) == 0 && munmap(private, 2 * PAGES * PAGE) == 0, "munmap");
    close(fd);
    return hash;
}

static uint64_t exercise_mprotect(void)
{
    enum { PAGES = 32 };
    uint8_t *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    volatile unsigned faults = 0;

    need(pages != MAP_FAILED, "mmap");
    for (volatile unsigned i = 0; i < 4 * PAGES; i++) {
        uint8_t *page = pages + i % PAGES * PAGE;

        need(mprotect(page, PAGE, i % 3 == 0 ? PROT_READ : PROT_READ | PROT_WRITE) == 0,
             "mprotect");
        if (sigsetjmp(signal_return, 1) == 0) {
            *(volatile uint8_t *)(page + i) = (uint8_t)i;
        } else {
            faults++;
        }
    }
    mprotect(pages, PAGES * PAGE, PROT_READ);
    return hash_number(hash_add(4, pages, PAGES * PAGE), faults);
}

/* Code that is written, run, and written over again: mov eax, n; ret. */
static uint64_t exercise_code(void)
{
    uint8_t *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t hash = 5;

    need(code != MAP_FAILED, "mmap");
    for (uint32_t i = 0; i < 2000; i++) {
        uint8_t *at = code + i % 64 * 32;
        uint32_t (*function)(void) = (uint32_t(*)(void))(uintptr_t)at;
        uint32_t value = i * 2654435761u;

        at[0] = 0xb8;
        memcpy(at + 1, &value, sizeof(value));
        at[5] = 0xc3;
        hash = hash_number(hash, function());
        at[1] ^= 0xff; /* a byte of an instruction that has run */
        hash = hash_number(hash, function());
    }
    munmap(code, PAGE);
    return hash;
}

/* ---- Computing ---- */

static uint64_t exercise_floats(void)
{
    uint64_t hash = 6, state = 99;
    double sum = 0;
    long double wide = 1;
    float narrow = 1;

    for (int i = 1; i < 20000; i++) {
        double x = (double)(int64_t)(random_next(&state) >> 12) / 65536.0;

        sum += __builtin_sqrt(x) / i - (double)(float)x * 1e-9;
        wide = wide * 1.0000001L + (long double)x / 3.0L - wide / 7.0L;
        narrow = narrow * 0.99f + (float)x * 1e-3f;
        hash = hash_number(hash, (uint64_t)(int64_t)x);
        if (i % 100 == 0) {
            hash = hash_add(hash, &sum, sizeof(sum));
            hash = hash_add(hash, &wide, 10);
            hash = hash_add(hash, &narrow, sizeof(narrow));
        }
    }
    return hash;
}

static uint64_t exercise_integers(void)
{
    uint64_t hash = 7, state = 12345;

    for (int i = 0; i < 20000; i++) {
        uint64_t a = random_next(&state), b = random_next(&state) | 1;

        hash = hash_number(hash, a / b + a % b + a * b);
        hash = hash_number(hash, (uint64_t)((int64_t)a / (int64_t)(b >> 40 | 1)));
        hash = hash_number(hash, (a << (b & 63)) ^ (a >> (b & 31)) ^ (uint64_t)((int64_t)a >> 7));
        hash = hash_number(hash, (uint64_t)__builtin_popcountll(a) + (uint64_t)__builtin_ctzll(b));
    }
    return hash;
}

static uint64_t exercise_text(void)
{
    char *text = malloc(1 << 16);
    size_t length = 0;
    uint64_t hash = 8;

    for (int i = 0; length < (1 << 16) - 64; i++) {
        length += (size_t)snprintf(text + length, 64, "%d:%x,%s;", i, i * 77, i % 3 ? "ab" : "cde");
    }
    for (char *p = text; (p = strstr(p, "cde")) != NULL; p++) {
        hash = hash_number(hash, (uint64_t)(p - text));
    }
    memmove(text + 100, text, length - 100);
    hash = hash_add(hash, text, length);
    free(text);
    return hash;
}

/* ---- Threads ---- */

enum { THREADS = 4, ROUNDS = 5000 };

typedef struct Shared {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    unsigned turn;
    uint64_t counter; /* under the lock */
    uint64_t atomic;
    uint64_t turns; /* hash over the order of turns */
} Shared;

typedef struct Worker {
    pthread_t thread;
    unsigned index;
    Shared *shared;
} Worker;

static void *worker_run(void *opaque)
{
    Worker *worker = opaque;
    Shared *shared = worker->shared;

    for (unsigned i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&shared->lock);
        shared->counter += worker->index + 1;
        pthread_mutex_unlock(&shared->lock);
        __atomic_fetch_add(&shared->atomic, i, __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < 50; i++) {
        pthread_mutex_lock(&shared->lock);
        while (shared->turn % THREADS != worker->index) {
            pthread_cond_wait(&shared->turned, &shared->lock);
        }
        shared->turns = hash_number(shared->turns, worker->index);
        shared->turn++;
        pthread_cond_broadcast(&shared->turned);
        pthread_mutex_unlock(&shared->lock);
    }
    return NULL;
}

static uint64_t exercise_threads(void)
{
    Shared shared = { .lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER };
    Worker workers[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (Worker){ .index = i, .shared = &shared };
        need(pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]) == 0,
             "pthread_create");
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    return hash_number(hash_number(shared.turns, shared.counter), shared.atomic);
}

/* ---- Time: goes forward, and sleeping lasts at least as long as asked ---- */

static uint64_t exercise_time(void)
{
    struct timespec before, after, wait = { 0, 20 * 1000 * 1000 };
    int64_t slept;

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (int i = 0; i < 1000; i++) {
        clock_gettime(CLOCK_MONOTONIC, &after);
        need(after.tv_sec > before.tv_sec ||
                 (after.tv_sec == before.tv_sec && after.tv_nsec >= before.tv_nsec),
             "time goes backwards");
        before = after;
    }
    nanosleep(&wait, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    slept = (after.tv_sec - before.tv_sec) * 1000000000ll + (after.tv_nsec - before.tv_nsec);
    need(slept >= wait.tv_nsec, "woke too early");
    return 9;
}

static void report(const char *name, uint64_t hash)
{
    printf("exercise: %-9s %016llx\n", name, (unsigned long long)hash);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "child") == 0) {
        printf("child %s answers %llx\n", argv[2],
               (unsigned long long)hash_add(1, argv[2], strlen(argv[2])));
        return 0;
    }
    report("signals", exercise_signals());
    report("fork", exercise_fork());
    report("exec", exercise_exec(argv[0]));
    report("mmap", exercise_mmap());
    report("mprotect", exercise_mprotect());
    report("code", exercise_code());
    report("floats", exercise_floats());
    report("integers", exercise_integers());
    report("text", exercise_text());
    report("threads", exercise_threads());
    report("time", exercise_time());
    return 0;
}
