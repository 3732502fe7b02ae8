/* A team of threads that shares one large step.
 *
 * A step over a million elements lasts a quarter of a millisecond, so waking helpers must cost
 * microseconds: after a job they watch for the next one for a moment before they sleep. No OpenMP:
 * two of its runtimes would meet in a process that also loads torch, and forked children would
 * hang. Here a forked child simply starts a team of its own.
 *
 * One job runs at a time. Whoever finds the team busy does all the work itself, in the same
 * slices, so results do not depend on it. In portable C there are no threads, and the caller
 * always does.
 */
#ifndef FASTLR_TEAM_H
#define FASTLR_TEAM_H

#include "_portable.h"
#include "_subnormal.h"

typedef void (*fastlr_work)(void *context, int share);

#if FASTLR_PORTABLE_C

static void fastlr_team_run(fastlr_work work, void *context, int shares) {
    for (int k = 0; k < shares; k++) work(context, k);
}

#else

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define FASTLR_TEAM_MAX 64
#define FASTLR_SPINS 2000

#if defined(__x86_64__) || defined(__i386__)
#define FASTLR_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define FASTLR_PAUSE() __asm__ __volatile__("yield")
#else
#define FASTLR_PAUSE() ((void)0)
#endif

static struct {
    pthread_mutex_t busy;  /* held for a whole job */
    pthread_mutex_t lock;  /* guards sleeping */
    pthread_cond_t wake;
    atomic_uint job;       /* number of the job now offered */
    atomic_int sleepers;
    atomic_int unfinished; /* helpers that have not dealt with the job yet, idle ones included */
    fastlr_work work;
    void *context;
    int shares;
    unsigned arithmetic;   /* the caller's, so that results do not depend on who does a share */
    int helpers;
    int prepared;
} fastlr_team = {.busy = PTHREAD_MUTEX_INITIALIZER,
                 .lock = PTHREAD_MUTEX_INITIALIZER,
                 .wake = PTHREAD_COND_INITIALIZER};

static void *fastlr_helper(void *argument) {
    /* A helper is born between jobs, so the job it finds on starting is one it has no part in. */
    unsigned seen = (unsigned)((size_t)argument >> 8);
    int share = (int)((size_t)argument & 255);
    for (;;) {
        int spins = FASTLR_SPINS;
        while (atomic_load(&fastlr_team.job) == seen && spins-- > 0) FASTLR_PAUSE();
        if (atomic_load(&fastlr_team.job) == seen) {
            pthread_mutex_lock(&fastlr_team.lock);
            atomic_fetch_add(&fastlr_team.sleepers, 1);
            while (atomic_load(&fastlr_team.job) == seen)
                pthread_cond_wait(&fastlr_team.wake, &fastlr_team.lock);
            atomic_fetch_sub(&fastlr_team.sleepers, 1);
            pthread_mutex_unlock(&fastlr_team.lock);
        }
        seen = atomic_load(&fastlr_team.job);
        if (share < fastlr_team.shares) {
            fastlr_set_arithmetic(fastlr_team.arithmetic);
            fastlr_team.work(fastlr_team.context, share);
        }
        atomic_fetch_sub(&fastlr_team.unfinished, 1);
    }
    return NULL;
}

static void fastlr_team_forked(void) {
    pthread_mutex_init(&fastlr_team.busy, NULL);
    pthread_mutex_init(&fastlr_team.lock, NULL);
    pthread_cond_init(&fastlr_team.wake, NULL);
    atomic_store(&fastlr_team.sleepers, 0);
    atomic_store(&fastlr_team.unfinished, 0);
    fastlr_team.helpers = 0;
}

#if defined(__linux__) && defined(__GLIBC__) && defined(CPU_SETSIZE)

/* Let a thread be born on a core that neither the caller nor another helper has.
 *
 * Born wherever the kernel likes, it often wakes on the caller's core, where both watch for each
 * other until the kernel moves one of them tens of milliseconds later.
 */
static int fastlr_birthplace(pthread_attr_t *attributes, const cpu_set_t *allowed, int helper) {
    int cores = CPU_COUNT(allowed), here = sched_getcpu(), core, k;
    cpu_set_t one;
    if (cores < 2 || here < 0 || !CPU_ISSET(here, allowed)) return 0;
    k = helper % cores;
    if (!k) return 0;
    for (core = here; k > 0; k--)
        do core = (core + 1) % CPU_SETSIZE; while (!CPU_ISSET(core, allowed));
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    return !pthread_attr_setaffinity_np(attributes, sizeof one, &one);
}

/* Start a helper on a core of its own, and let it go wherever the caller may from then on. */
static int fastlr_team_hire(pthread_attr_t *attributes, void *argument, int helper) {
    pthread_t thread;
    cpu_set_t allowed;
    int known = !sched_getaffinity(0, sizeof allowed, &allowed);
    int placed = known && fastlr_birthplace(attributes, &allowed, helper);
    if (pthread_create(&thread, attributes, fastlr_helper, argument)) return 0;
    if (placed) pthread_setaffinity_np(thread, sizeof allowed, &allowed);
    return 1;
}

#else

static int fastlr_team_hire(pthread_attr_t *attributes, void *argument, int helper) {
    pthread_t thread;
    (void)helper;
    return !pthread_create(&thread, attributes, fastlr_helper, argument);
}

#endif

/* Have `wanted` helpers; with fewer, the caller takes over the shares that nobody has. */
static void fastlr_team_grow(int wanted) {
    if (!fastlr_team.prepared) {
        pthread_atfork(NULL, NULL, fastlr_team_forked);
        fastlr_team.prepared = 1;
    }
    while (fastlr_team.helpers < wanted) {
        pthread_attr_t attributes;
        int helper = fastlr_team.helpers + 1, hired;
        size_t argument = ((size_t)atomic_load(&fastlr_team.job) << 8) | (size_t)helper;
        if (pthread_attr_init(&attributes)) return;
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        hired = fastlr_team_hire(&attributes, (void *)argument, helper);
        pthread_attr_destroy(&attributes);
        if (!hired) return;
        fastlr_team.helpers = helper;
    }
}

/* Call work(context, 0 ... shares - 1), side by side; return when all are done. */
static void fastlr_team_run(fastlr_work work, void *context, int shares) {
    int k, wanted = shares - 1 < FASTLR_TEAM_MAX ? shares - 1 : FASTLR_TEAM_MAX;
    if (shares < 2 || pthread_mutex_trylock(&fastlr_team.busy)) {
        for (k = 0; k < shares; k++) work(context, k);
        return;
    }
    if (fastlr_team.helpers < wanted) fastlr_team_grow(wanted);
    fastlr_team.work = work;
    fastlr_team.context = context;
    fastlr_team.shares = shares;
    fastlr_team.arithmetic = fastlr_arithmetic();
    atomic_store(&fastlr_team.unfinished, fastlr_team.helpers);
    atomic_fetch_add(&fastlr_team.job, 1);
    if (atomic_load(&fastlr_team.sleepers)) {
        pthread_mutex_lock(&fastlr_team.lock);
        pthread_cond_broadcast(&fastlr_team.wake);
        pthread_mutex_unlock(&fastlr_team.lock);
    }
    work(context, 0);
    for (k = fastlr_team.helpers + 1; k < shares; k++) work(context, k);
    for (k = 0; atomic_load(&fastlr_team.unfinished) > 0; k++) {
        if (k < FASTLR_SPINS) FASTLR_PAUSE();
        else sched_yield();
    }
    pthread_mutex_unlock(&fastlr_team.busy);
}

#endif
#endif
