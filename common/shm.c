/* SPDX-License-Identifier: MIT */
/*
 * The shared memory, one memfd:
 *
 *      | header, one page | METRICS | HEARTBEATS | PAIRS | CLAIMS | BOARD |   each from a page on
 *
 * Sealed against every change of its size, so that no process can take pages from under another.
 * Each process keeps where the regions are to itself; what it shares is the lock and four numbers.
 */
#include "common/shm.h"

#include <errno.h>
#include <fcntl.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"

enum { PAGE_LEN = 4096, LOCK_WAIT_MS = 50 };

static const uint8_t magic[8] = "mar1shm";

struct header {
    uint8_t magic[8];
    uint32_t version;
    uint32_t header_len; /* a mutex of another libc is of another size */
    uint64_t lens[N_SHM_REGIONS];
    pthread_mutex_t lock;
    _Atomic uint64_t began_ms;
    _Atomic uint64_t generation;
    steady_mark steady;
    _Atomic uint64_t redis_away_ms;
};
_Static_assert(sizeof(struct header) <= PAGE_LEN, "the header has one page");

struct shm {
    int fd; /* owned */
    struct header *header;
    size_t total;                  /* bytes mapped */
    size_t offsets[N_SHM_REGIONS]; /* from the header on */
    size_t lens[N_SHM_REGIONS];
};

static size_t whole_pages(size_t len)
{
    return (len + PAGE_LEN - 1) / PAGE_LEN * PAGE_LEN;
}

static void lay_out(struct shm *shm, const uint64_t lens[static N_SHM_REGIONS])
{
    shm->total = PAGE_LEN;
    for (int i = 0; i < N_SHM_REGIONS; i++) {
        shm->offsets[i] = shm->total;
        shm->lens[i] = (size_t)lens[i];
        shm->total += whole_pages((size_t)lens[i]);
    }
}

static int map(struct shm *shm)
{
    void *at = mmap(NULL, shm->total, PROT_READ | PROT_WRITE, MAP_SHARED, shm->fd, 0);

    if (at == MAP_FAILED)
        return -errno;
    shm->header = at;
    return madvise(at, shm->total, MADV_DONTDUMP) == 0 ? 0 : -errno;
}

static int init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attributes;
    int error;

    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    error = pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

static int make_memory(struct shm *shm)
{
    int r = fd_open_memory("mte-api-relay shared memory", &shm->fd);

    if (r != 0)
        return r;
    if (ftruncate(shm->fd, (off_t)shm->total) != 0 ||
        fcntl(shm->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    return map(shm);
}

int shm_create(const struct shm_sizes *sizes, struct shm **shm_r)
{
    struct shm *shm = calloc(1, sizeof(*shm));
    uint64_t lens[N_SHM_REGIONS];
    int r;

    if (shm == NULL)
        return -ENOMEM;
    shm->fd = -1;
    for (int i = 0; i < N_SHM_REGIONS; i++)
        lens[i] = whole_pages(sizes->bytes[i]);
    lay_out(shm, lens);
    r = make_memory(shm);
    if (r == 0)
        r = init_lock(&shm->header->lock);
    if (r != 0) {
        shm_close(&shm);
        return r;
    }
    shm->header->version = SHM_VERSION;
    shm->header->header_len = sizeof(struct header);
    memcpy(shm->header->lens, lens, sizeof(lens));
    atomic_store(&shm->header->began_ms, clock_mono_ms());
    memcpy(shm->header->magic, magic, sizeof(magic));
    *shm_r = shm;
    return 0;
}

/* The header of a memory that we have not mapped yet, against its size and version. */
static int check_header(int fd, struct header *header_r)
{
    struct stat st;
    uint64_t total = PAGE_LEN;

    if (fstat(fd, &st) != 0)
        return -errno;
    if (pread(fd, header_r, sizeof(*header_r), 0) != (ssize_t)sizeof(*header_r) ||
        memcmp(header_r->magic, magic, sizeof(magic)) != 0)
        return ERR_FORMAT;
    if (header_r->version != SHM_VERSION || header_r->header_len != sizeof(*header_r))
        return ERR_UNSUPPORTED;
    for (int i = 0; i < N_SHM_REGIONS; i++) {
        if (header_r->lens[i] > (uint64_t)st.st_size || header_r->lens[i] % PAGE_LEN != 0)
            return ERR_FORMAT;
        total += header_r->lens[i];
    }
    return total == (uint64_t)st.st_size ? 0 : ERR_FORMAT;
}

int shm_attach(int fd, struct shm **shm_r)
{
    struct header header;
    struct shm *shm = NULL;
    int r;

    r = check_header(fd, &header);
    if (r != 0)
        return r;
    shm = calloc(1, sizeof(*shm));
    if (shm == NULL)
        return -ENOMEM;
    lay_out(shm, header.lens);
    shm->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    r = shm->fd >= 0 ? map(shm) : -errno;
    if (r != 0) {
        shm_close(&shm);
        return r;
    }
    *shm_r = shm;
    return 0;
}

void shm_close(struct shm **shm)
{
    if (*shm == NULL)
        return;
    if ((*shm)->header != NULL)
        munmap((*shm)->header, (*shm)->total);
    fd_close(&(*shm)->fd);
    free(*shm);
    *shm = NULL;
}

int shm_fd(const struct shm *shm)
{
    return shm->fd;
}

void *shm_at(const struct shm *shm, enum shm_region region)
{
    return (uint8_t *)shm->header + shm->offsets[region];
}

size_t shm_len(const struct shm *shm, enum shm_region region)
{
    return shm->lens[region];
}

uint64_t shm_began_ms(const struct shm *shm)
{
    return atomic_load(&shm->header->began_ms);
}

_Atomic uint64_t *shm_redis_away(const struct shm *shm)
{
    return &shm->header->redis_away_ms;
}

steady_mark *shm_steady_mark(const struct shm *shm)
{
    return &shm->header->steady;
}

uint64_t shm_generation(const struct shm *shm)
{
    return atomic_load(&shm->header->generation);
}

static void empty_region(struct shm *shm, enum shm_region region)
{
    /* Gives the pages back, which is quick; they read as zeros from then on. */
    if (madvise(shm_at(shm, region), shm->lens[region], MADV_REMOVE) != 0)
        memset(shm_at(shm, region), 0, shm->lens[region]);
}

/*
 * The owner died inside: what it was changing may be half changed. Both numbers move on before the
 * first bit is lost, so that whoever claims without the lock and compares afterwards cannot take
 * an emptied page for a new one. Should we die in here, the next owner begins again.
 */
static void start_over(struct shm *shm)
{
    atomic_fetch_add(&shm->header->generation, 1);
    atomic_store(&shm->header->began_ms, clock_mono_ms());
    empty_region(shm, SHM_PAIRS);
    empty_region(shm, SHM_CLAIMS);
    pthread_mutex_consistent(&shm->header->lock);
}

int shm_lock(struct shm *shm)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOCK_WAIT_MS * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    switch (pthread_mutex_clocklock(&shm->header->lock, CLOCK_MONOTONIC, &until)) {
    case 0:
        return 0;
    case EOWNERDEAD:
        start_over(shm);
        return 0;
    default:
        return ERR_BUSY;
    }
}

void shm_unlock(struct shm *shm)
{
    pthread_mutex_unlock(&shm->header->lock);
}
