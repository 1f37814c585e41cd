/* Makes a program's clocks run wrong, loaded with LD_PRELOAD; for tests.
 *
 * The harness maps the same memory (the file in SHIM_CLOCK) and says there at which rate the monotonic
 * clock goes, from which moment on. It never jumps, when the rate changes neither: real ones don't. The
 * wall clock goes with it, and may jump. Waiting until a moment is translated back, since the kernel
 * knows the real clocks only; waiting for a duration is left alone: programs look at the clock again.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct clock_state {
    uint64_t sequence;     /* odd while the rest changes */
    int64_t real_ns;       /* at this moment of the real monotonic clock */
    int64_t shown_ns;      /* this was shown, */
    double rate;           /* and so much faster it goes since */
    int64_t wall_ahead_ns; /* the wall clock alone, besides */
};

enum { WALL_SECONDS_MIN = 1000000000 }; /* no monotonic clock has come so far */

static const int64_t second_ns = 1000000000;
static struct clock_state *shared;
static int (*real_clock_gettime)(clockid_t, struct timespec *);

#define REAL(name) \
    static __typeof__(name) *real_##name; \
    if (!real_##name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    real_clock_gettime = (__typeof__(real_clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
    const char *path = getenv("SHIM_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *memory = mmap(NULL, sizeof *shared, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED) shared = memory;
}

static int64_t nanoseconds(const struct timespec *time) {
    return time->tv_sec * second_ns + time->tv_nsec;
}

static struct timespec timespec_of(int64_t ns) {
    struct timespec time = {ns / second_ns, ns % second_ns};
    if (time.tv_nsec < 0) time.tv_sec--, time.tv_nsec += second_ns;
    return time;
}

static int64_t real_now(clockid_t clock) {
    struct timespec now;
    if (!real_clock_gettime)
        real_clock_gettime = (__typeof__(real_clock_gettime))dlsym(RTLD_NEXT, "clock_gettime");
    real_clock_gettime(clock, &now);
    return nanoseconds(&now);
}

/* A state that was not changed while it was read; 0: the clocks are right. */
static int read_state(struct clock_state *state) {
    if (!shared) return 0;
    uint64_t before;
    do {
        before = __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE);
        *state = *(volatile struct clock_state *)shared;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (before & 1 || before != __atomic_load_n(&shared->sequence, __ATOMIC_ACQUIRE));
    return state->rate > 0;
}

static int64_t ahead(const struct clock_state *state, int64_t real) {
    return state->shown_ns + (int64_t)((double)(real - state->real_ns) * state->rate) - real;
}

static int is_wall(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

static int is_monotonic(clockid_t clock) {
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    struct clock_state state;
    int64_t now;
    if ((!is_wall(clock) && !is_monotonic(clock)) || !read_state(&state)) {
        REAL(clock_gettime);
        return real_clock_gettime(clock, time);
    }
    now = real_now(clock) + ahead(&state, real_now(CLOCK_MONOTONIC));
    if (is_wall(clock)) now += state.wall_ahead_ns;
    *time = timespec_of(now);
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec, time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}

/* When, by the real clock, the shown one will show this. */
static struct timespec real_moment(clockid_t clock, const struct timespec *shown) {
    struct clock_state state;
    if (!read_state(&state)) return *shown;
    struct timespec now;
    clock_gettime(clock, &now);
    int64_t left = nanoseconds(shown) - nanoseconds(&now);
    return timespec_of(real_now(clock) + (int64_t)((double)left / state.rate));
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    REAL(sem_clockwait);
    struct timespec real = real_moment(clock, until);
    return real_sem_clockwait(semaphore, clock, &real);
}

int sem_timedwait(sem_t *semaphore, const struct timespec *until) {
    REAL(sem_timedwait);
    struct timespec real = real_moment(CLOCK_REALTIME, until);
    return real_sem_timedwait(semaphore, &real);
}

int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *until) {
    REAL(pthread_cond_clockwait);
    struct timespec real = real_moment(clock, until);
    return real_pthread_cond_clockwait(condition, mutex, clock, &real);
}

int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
    REAL(pthread_cond_timedwait);
    /* Which clock the condition has can't be asked; no monotonic clock is near the wall clock. */
    clockid_t clock = until->tv_sec >= WALL_SECONDS_MIN ? CLOCK_REALTIME : CLOCK_MONOTONIC;
    struct timespec real = real_moment(clock, until);
    return real_pthread_cond_timedwait(condition, mutex, &real);
}
