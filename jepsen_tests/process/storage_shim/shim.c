/* Stands between a program and its disk, loaded with LD_PRELOAD; for tests.
 *
 * 1. It knows what a power failure would take away. Writes go through at once, so that the program
 *    (and what it maps into memory) sees them, but what was there before and what was written goes to
 *    a journal of that file, until the file is synced. After the program was killed, `power_loss.py`
 *    takes back from the files what is in the journals, or chooses parts of it that reached the disk.
 * 2. It makes the disk fail or wait on demand: see `struct control`.
 *
 * Environment: SHIM_ROOT, the directory whose files count; SHIM_JOURNAL, a directory for the journals
 * (elsewhere, on the same file system, for hard links); SHIM_EXCEPT, the end of the names of files that
 * do not count.
 *
 * A file's journal is INODE.GENERATION. A sync ends a generation before it begins, and deletes the ended
 * ones when it has succeeded: what was written meanwhile is in a newer one. When a sync fails, the
 * kernel forgets that those pages were dirty, so that a later sync that succeeds says nothing about
 * them: the generation gets the suffix `.lost`, and later ones of that file are kept, `.durable`, since
 * what they contain comes on top. Writes with O_DSYNC or RWF_DSYNC are durable when they return: then
 * they are forgotten, or flagged if something before them is not durable.
 *
 * `names` has the files that were created (C), renamed (R) or removed (U), until their directory is
 * synced, or, for a created file, itself; a removed or replaced file keeps a hard link `kept-N`.
 *
 * Not seen: shared writable mappings. If a file that counts is mapped so, a file `unseen` says which.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2 };          /* kinds of records */
enum { DURABLE = 1, LOST = 2 };            /* flags of records; without: not durable */
enum { ON_WRITE = 1, ON_SYNC = 2 };        /* operations that can be told to fail */
enum { FILES_MAX = 4096, NAMES_MAX = 256 };

struct record {
    uint32_t kind, flags;
    uint64_t offset;      /* TRUNCATE: the new size */
    uint64_t size_before; /* of the file */
    uint64_t old_bytes, new_bytes;
};

/* Shared with the harness, which writes the first part. */
struct control {
    uint32_t fail_operation; /* ON_WRITE, ON_SYNC; 0: none */
    uint32_t fail_after;     /* so many of those succeed first */
    uint32_t fail_times;     /* so many fail; the largest number: all */
    uint32_t fail_errno;
    uint32_t sync_microseconds;  /* how long every sync takes besides */
    uint32_t reserved;
    uint64_t writes, syncs, failures; /* counted here */
};

struct file {
    dev_t device;
    ino_t inode;
    int journal;            /* descriptor of the newest generation, or -1 */
    unsigned first, newest; /* generations; first > newest: nothing is unsynced */
    int had_failure;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static int file_count;
static char root[PATH_MAX], journal_dir[PATH_MAX], except[256];
static struct control *control;
static struct control nothing;
static unsigned kept_count, name_count;

#define REAL(name) \
    static __typeof__(name) *real_##name; \
    if (!real_##name) real_##name = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

static void die(const char *what) {
    dprintf(2, "storage shim: %s: %s\n", what, strerror(errno));
    abort();
}

static ssize_t raw_write(int fd, const void *bytes, size_t count) {
    REAL(write);
    return real_write(fd, bytes, count);
}

static void write_all(int fd, const void *bytes, size_t count) {
    const char *at = bytes;
    while (count) {
        ssize_t n = raw_write(fd, at, count);
        if (n <= 0) die("cannot write the journal");
        at += n, count -= n;
    }
}

static int raw_open(const char *path, int flags) {
    REAL(open);
    return real_open(path, flags | O_CLOEXEC, 0644);
}

static void journal_path(char *out, const char *name) {
    if (snprintf(out, PATH_MAX, "%s/%s", journal_dir, name) >= PATH_MAX) die("path too long");
}

static void generation_path(char *out, struct file *file, unsigned generation) {
    char name[64];
    snprintf(name, sizeof name, "%llu.%u", (unsigned long long)file->inode, generation);
    journal_path(out, name);
}

__attribute__((constructor)) static void begin(void) {
    const char *at = getenv("SHIM_ROOT"), *journals = getenv("SHIM_JOURNAL");
    const char *but = getenv("SHIM_EXCEPT");
    control = &nothing;
    if (!at || !journals) return;
    char path[PATH_MAX];
    if (!realpath(at, root) || !realpath(journals, journal_dir)) die("SHIM_ROOT, SHIM_JOURNAL");
    if (but) snprintf(except, sizeof except, "%s", but);
    journal_path(path, "control");
    int fd = raw_open(path, O_RDWR | O_CREAT);
    if (fd < 0 || ftruncate(fd, sizeof *control)) die(path);
    control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED) die("mmap");
    close(fd);
    kept_count = (unsigned)getpid() * 1000u; /* not the numbers of an earlier process */
}

static int is_below_root(const char *path) {
    size_t n = strlen(root);
    return n && !strncmp(path, root, n) && path[n] == '/';
}

static int counts(const char *path) {
    size_t n = strlen(path), m = strlen(except);
    return is_below_root(path) && !(m && n >= m && !strcmp(path + n - m, except));
}

/* The path behind a descriptor; empty when there is none. */
static void path_of(int fd, char *out) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n < 0 ? 0 : n] = 0;
}

/* What an earlier process left of this file's journal. */
static void find_generations(struct file *file) {
    DIR *directory = opendir(journal_dir);
    struct dirent *entry;
    file->first = 1, file->newest = 0;
    while (directory && (entry = readdir(directory))) {
        unsigned long long inode;
        unsigned generation;
        if (sscanf(entry->d_name, "%llu.%u", &inode, &generation) != 2 || inode != file->inode)
            continue;
        if (strchr(strchr(entry->d_name, '.') + 1, '.')) file->had_failure = 1;
        if (file->newest == 0 || generation < file->first) file->first = generation;
        if (generation > file->newest) file->newest = generation;
    }
    if (directory) closedir(directory);
}

/* The file behind a descriptor if it counts, else NULL. Called with the lock held. */
static struct file *file_of(int fd, struct stat *status) {
    if (!root[0] || fstat(fd, status) || !S_ISREG(status->st_mode)) return NULL;
    for (int i = 0; i < file_count; i++)
        if (files[i].inode == status->st_ino && files[i].device == status->st_dev)
            return &files[i];
    char path[PATH_MAX];
    path_of(fd, path);
    if (!counts(path)) return NULL;
    if (file_count == FILES_MAX) die("too many files");
    struct file *file = &files[file_count++];
    *file = (struct file){.device = status->st_dev, .inode = status->st_ino, .journal = -1};
    find_generations(file);
    return file;
}

static int open_generation(struct file *file) {
    if (file->journal < 0) {
        char path[PATH_MAX];
        if (file->first > file->newest) file->first = file->newest + 1;
        generation_path(path, file, ++file->newest);
        file->journal = raw_open(path, O_RDWR | O_CREAT | O_TRUNC);
        if (file->journal < 0) die(path);
    }
    return file->journal;
}

static void end_generation(struct file *file) {
    if (file->journal >= 0) close(file->journal);
    file->journal = -1;
}

static int is_durable(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_DSYNC); /* O_SYNC has that bit too */
}

/* Whether this operation is one that was told to fail. */
static int must_fail(uint32_t operation) {
    int fails = 0;
    if (control->fail_operation == operation && control->fail_times) {
        if (control->fail_after) {
            control->fail_after--;
        } else {
            if (control->fail_times != UINT32_MAX) control->fail_times--;
            control->failures++;
            errno = (int)control->fail_errno;
            fails = 1;
        }
    }
    return fails;
}

/* Writes down what is about to be overwritten. Returns where in the journal. */
static off_t before_write(int fd, struct file *file, struct stat *status, uint64_t offset,
                          const struct iovec *parts, int part_count) {
    uint64_t total = 0, old = 0, size = (uint64_t)status->st_size;
    for (int i = 0; i < part_count; i++) total += parts[i].iov_len;
    if (offset < size) old = size - offset < total ? size - offset : total;
    struct record record = {WRITE, 0, offset, size, old, total};
    int journal = open_generation(file);
    off_t start = lseek(journal, 0, SEEK_END);
    write_all(journal, &record, sizeof record);
    if (old) {
        char *bytes = malloc(old), path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int reader = raw_open(path, O_RDONLY); /* fd may be for writing only */
        if (!bytes || reader < 0 || pread(reader, bytes, old, (off_t)offset) != (ssize_t)old)
            die("cannot read what is overwritten");
        write_all(journal, bytes, old);
        free(bytes);
        close(reader);
    }
    for (int i = 0; i < part_count; i++) write_all(journal, parts[i].iov_base, parts[i].iov_len);
    return start;
}

static void cut_journal(struct file *file, off_t end) {
    REAL(ftruncate64);
    if (real_ftruncate64(file->journal, end)) die("cannot cut the journal");
    lseek(file->journal, end, SEEK_SET);
}

/* Makes the journal say what a write really did: all, a part (a disk that is full), or nothing. */
static void after_write(struct file *file, off_t start, uint64_t wanted, ssize_t written) {
    struct record record;
    off_t end = lseek(file->journal, 0, SEEK_END);
    if (written < 0) {
        end = start;
    } else if ((uint64_t)written < wanted) {
        if (pread(file->journal, &record, sizeof record, start) != sizeof record) die("journal");
        end -= (off_t)(wanted - (uint64_t)written);
        record.new_bytes = (uint64_t)written;
        lseek(file->journal, start, SEEK_SET);
        write_all(file->journal, &record, sizeof record);
    }
    cut_journal(file, end);
}

static void pause_for(uint32_t microseconds) {
    struct timespec duration = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    if (microseconds) nanosleep(&duration, NULL);
}

/* The second half of a write that is durable when it returns: until then it is not. Called with the
 * lock held, which it lets go of while it waits. Returns 0, or -1 and the error. */
static int finish_durable_write(struct file *file, off_t start) {
    unsigned generation = file->newest;
    uint32_t wait = control->sync_microseconds;
    control->syncs++;
    int fails = must_fail(ON_SYNC);
    pthread_mutex_unlock(&lock);
    pause_for(wait);
    pthread_mutex_lock(&lock);
    uint32_t flags = fails ? LOST : DURABLE;
    if (fails) file->had_failure = 1;
    /* Otherwise a sync has ended that generation meanwhile, and all in it is durable. */
    if (file->newest == generation && file->journal >= 0) {
        struct record record;
        if (pread(file->journal, &record, sizeof record, start) != sizeof record) die("journal");
        off_t end = start + (off_t)(sizeof record + record.old_bytes + record.new_bytes);
        int is_alone = !start && lseek(file->journal, 0, SEEK_END) == end;
        if (is_alone && file->first == file->newest && !file->had_failure) {
            cut_journal(file, 0);
        } else {
            lseek(file->journal, start + (off_t)offsetof(struct record, flags), SEEK_SET);
            write_all(file->journal, &flags, sizeof flags);
            lseek(file->journal, 0, SEEK_END);
        }
    }
    errno = (int)control->fail_errno;
    return fails ? -1 : 0;
}

/* Any write: notes it down, then does it with `call`. */
#define NOTED_WRITE(fd, position, parts, part_count, durable, call) \
    struct stat status; \
    pthread_mutex_lock(&lock); \
    struct file *file = file_of(fd, &status); \
    if (!file) { \
        pthread_mutex_unlock(&lock); \
        return call; \
    } \
    control->writes++; \
    if (must_fail(ON_WRITE)) { \
        pthread_mutex_unlock(&lock); \
        return -1; \
    } \
    off_t start = before_write(fd, file, &status, (uint64_t)(position), parts, part_count); \
    ssize_t written = call; \
    int error = errno; \
    uint64_t wanted = 0; \
    for (int i = 0; i < part_count; i++) wanted += (parts)[i].iov_len; \
    if (written < 0 || (uint64_t)written < wanted) after_write(file, start, wanted, written); \
    if (written > 0 && (durable) && finish_durable_write(file, start)) written = -1, error = errno; \
    pthread_mutex_unlock(&lock); \
    errno = error; \
    return written

/* Where a plain write goes. */
static off_t position_of(int fd) {
    struct stat status;
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) && !fstat(fd, &status)) return status.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    if (!root[0]) return real_write(fd, bytes, count);
    struct iovec part = {(void *)bytes, count};
    NOTED_WRITE(fd, position_of(fd), &part, 1, is_durable(fd), real_write(fd, bytes, count));
}

ssize_t writev(int fd, const struct iovec *parts, int part_count) {
    REAL(writev);
    if (!root[0]) return real_writev(fd, parts, part_count);
    NOTED_WRITE(fd, position_of(fd), parts, part_count, is_durable(fd), real_writev(fd, parts, part_count));
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    REAL(pwrite64);
    struct iovec part = {(void *)bytes, count};
    NOTED_WRITE(fd, offset, &part, 1, is_durable(fd), real_pwrite64(fd, bytes, count, offset));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
    return pwrite64(fd, bytes, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int part_count, off64_t offset) {
    REAL(pwritev64);
    NOTED_WRITE(fd, offset, parts, part_count, is_durable(fd), real_pwritev64(fd, parts, part_count, offset));
}

ssize_t pwritev(int fd, const struct iovec *parts, int part_count, off_t offset) {
    return pwritev64(fd, parts, part_count, offset);
}

ssize_t pwritev64v2(int fd, const struct iovec *parts, int part_count, off64_t offset, int flags) {
    static ssize_t (*real)(int, const struct iovec *, int, off64_t, int);
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "pwritev64v2");
    if (offset < 0) offset = position_of(fd);
    NOTED_WRITE(fd, offset, parts, part_count, 
                is_durable(fd) || (flags & (RWF_DSYNC | RWF_SYNC)),
                real(fd, parts, part_count, offset, flags));
}

ssize_t pwritev2(int fd, const struct iovec *parts, int part_count, off_t offset, int flags) {
    return pwritev64v2(fd, parts, part_count, offset, flags);
}

/* A change of size, with what it cuts off. */
static int resize(int fd, off64_t size, int (*change)(int, off64_t)) {
    struct stat status;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, &status);
    off_t start = -1;
    if (file && size != status.st_size) {
        uint64_t cut = size < status.st_size ? (uint64_t)(status.st_size - size) : 0;
        struct record record = {TRUNCATE, 0, (uint64_t)size, (uint64_t)status.st_size, cut, 0};
        int journal = open_generation(file);
        start = lseek(journal, 0, SEEK_END);
        write_all(journal, &record, sizeof record);
        char *bytes = malloc(cut ? cut : 1);
        if (!bytes || pread(fd, bytes, cut, size) != (ssize_t)cut) die("cannot read what is cut");
        write_all(journal, bytes, cut);
        free(bytes);
    }
    int result = change(fd, size);
    int error = errno;
    if (result && start >= 0) cut_journal(file, start);
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    return resize(fd, size, real_ftruncate64);
}

int ftruncate(int fd, off_t size) {
    return ftruncate64(fd, size);
}

static int grow_by(int fd, off64_t end) {
    static int (*real)(int, int, off64_t, off64_t);
    if (!real) real = (__typeof__(real))dlsym(RTLD_NEXT, "fallocate64");
    return real(fd, 0, 0, end);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) {
    REAL(fallocate64);
    struct stat status;
    pthread_mutex_lock(&lock);
    struct file *file = file_of(fd, &status);
    pthread_mutex_unlock(&lock);
    if (!file || (mode & FALLOC_FL_KEEP_SIZE && !(mode & ~FALLOC_FL_KEEP_SIZE)))
        return real_fallocate64(fd, mode, offset, length);
    if (mode) {
        errno = EOPNOTSUPP; /* as some file systems say; the caller then writes instead */
        return -1;
    }
    off64_t end = offset + length;
    if (end <= status.st_size) return real_fallocate64(fd, mode, offset, length);
    return resize(fd, end, grow_by);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
    return fallocate64(fd, mode, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    return fallocate64(fd, 0, offset, length) ? errno : 0;
}

int posix_fallocate(int fd, off_t offset, off_t length) {
    return posix_fallocate64(fd, offset, length);
}

/* Names. */

static void forget_names(int (*is_durable_now)(const char *line, const char *argument),
                         const char *argument) {
    char path[PATH_MAX], next[PATH_MAX], line[3 * PATH_MAX];
    journal_path(path, "names");
    journal_path(next, "names.next");
    FILE *in = fopen(path, "re"), *out;
    if (!in) return;
    out = fopen(next, "we");
    if (!out) die(next);
    name_count = 0;
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = 0;
        if (!is_durable_now(line, argument)) {
            fprintf(out, "%s\n", line);
            name_count++;
            continue;
        }
        char *kept = strrchr(line, '\t');
        if (line[0] != 'C' && kept && kept[1]) {
            char hidden[PATH_MAX];
            journal_path(hidden, kept + 1);
            REAL(unlink);
            real_unlink(hidden);
        }
    }
    fclose(in);
    fclose(out);
    REAL(rename);
    real_rename(next, path);
}

static int is_in_directory(const char *line, const char *directory) {
    /* The path that the line is about, or was renamed to. */
    const char *path = line + 2, *tab = strchr(path, '\t');
    if (line[0] == 'R' && tab) path = tab + 1, tab = strchr(path, '\t');
    size_t n = tab ? (size_t)(tab - path) : strlen(path);
    while (n && path[n - 1] != '/') n--;
    return n && n - 1 == strlen(directory) && !strncmp(path, directory, n - 1);
}

static int is_creation_of(const char *line, const char *path) {
    return line[0] == 'C' && !strcmp(line + 2, path);
}

static int is_any(const char *line, const char *argument) {
    (void)line, (void)argument;
    return 1;
}

static void note_name(const char *format, ...) {
    char path[PATH_MAX], line[3 * PATH_MAX];
    va_list arguments;
    /* As a file system that writes its own journal now and then. */
    if (name_count >= NAMES_MAX) forget_names(is_any, NULL);
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    journal_path(path, "names");
    int fd = raw_open(path, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0) die(path);
    write_all(fd, line, strlen(line));
    close(fd);
    name_count++;
}

/* The path as in /proc: absolute, without links; of what need not exist. */
static int absolute(int directory, const char *path, char *out) {
    char parent[PATH_MAX], whole[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (path[0] == '/' || directory == AT_FDCWD) {
        snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    } else {
        path_of(directory, whole);
        snprintf(parent, sizeof parent, "%.2000s/%.*s", whole, slash ? (int)(slash - path) : 0, path);
    }
    if (!realpath(parent, whole)) return 0;
    return snprintf(out, PATH_MAX, "%.2000s/%.2000s", whole, slash ? slash + 1 : path) < PATH_MAX;
}

/* Keeps what a name stands for; its new name, or an empty one when there is nothing. */
static void keep(const char *path, char *name) {
    char hidden[PATH_MAX];
    snprintf(name, 64, "kept-%u", ++kept_count);
    journal_path(hidden, name);
    if (link(path, hidden)) name[0] = 0;
}

/* A new file may have the number of one that is gone; what was noted of that is not its. */
static void forget_contents(int fd) {
    struct stat status;
    char path[PATH_MAX], suffixed[PATH_MAX + 16];
    REAL(unlink);
    struct file *file = file_of(fd, &status);
    if (!file) return;
    end_generation(file);
    for (; file->first <= file->newest; file->first++) {
        generation_path(path, file, file->first);
        real_unlink(path);
        snprintf(suffixed, sizeof suffixed, "%s.lost", path);
        real_unlink(suffixed);
        snprintf(suffixed, sizeof suffixed, "%s.durable", path);
        real_unlink(suffixed);
    }
    file->had_failure = 0;
}

static int open_noted(int directory, const char *path, int flags, mode_t mode) {
    REAL(openat);
    char full[PATH_MAX];
    struct stat status;
    int is_ours = root[0] && (flags & (O_CREAT | O_TRUNC)) && (flags & O_TMPFILE) != O_TMPFILE &&
                  absolute(directory, path, full) && counts(full);
    int was_there = is_ours && !lstat(full, &status);
    int cuts = is_ours && was_there && (flags & O_TRUNC) && status.st_size;
    int fd = real_openat(directory, path, cuts ? flags & ~O_TRUNC : flags, mode);
    if (fd < 0 || !is_ours) return fd;
    if (cuts && ftruncate64(fd, 0)) die("truncating on open");
    if (!was_there && (flags & O_CREAT)) {
        pthread_mutex_lock(&lock);
        forget_contents(fd);
        note_name("C %s\n", full);
        pthread_mutex_unlock(&lock);
    }
    return fd;
}

#define OPENING_MODE(flags, last) \
    mode_t mode = 0; \
    if ((flags) & (O_CREAT | O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, last); \
        mode = va_arg(arguments, mode_t); \
        va_end(arguments); \
    }

int open(const char *path, int flags, ...) {
    OPENING_MODE(flags, flags);
    return open_noted(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    OPENING_MODE(flags, flags);
    return open_noted(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int directory, const char *path, int flags, ...) {
    OPENING_MODE(flags, flags);
    return open_noted(directory, path, flags, mode);
}

int openat64(int directory, const char *path, int flags, ...) {
    OPENING_MODE(flags, flags);
    return open_noted(directory, path, flags | O_LARGEFILE, mode);
}

int renameat(int from_directory, const char *from, int to_directory, const char *to) {
    REAL(renameat);
    char source[PATH_MAX], target[PATH_MAX], kept[64] = "";
    int is_ours = root[0] && absolute(from_directory, from, source) &&
                  absolute(to_directory, to, target) && counts(target);
    if (!is_ours) return real_renameat(from_directory, from, to_directory, to);
    pthread_mutex_lock(&lock);
    keep(target, kept);
    int result = real_renameat(from_directory, from, to_directory, to);
    if (!result) note_name("R %s\t%s\t%s\n", source, target, kept);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    if (!root[0]) return real_rename(from, to);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int unlinkat(int directory, const char *path, int flags) {
    REAL(unlinkat);
    char full[PATH_MAX], kept[64] = "";
    if (flags || !root[0] || !absolute(directory, path, full) || !counts(full))
        return real_unlinkat(directory, path, flags);
    pthread_mutex_lock(&lock);
    keep(full, kept);
    int result = real_unlinkat(directory, path, flags);
    if (!result) note_name("U %s\t%s\n", full, kept);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) {
    return unlinkat(AT_FDCWD, path, 0);
}

int remove(const char *path) {
    struct stat status;
    if (!lstat(path, &status) && S_ISDIR(status.st_mode)) return rmdir(path);
    return unlink(path);
}

/* Syncs. */

static void after_sync(struct file *file, unsigned ended, int succeeded) {
    char path[PATH_MAX], renamed[PATH_MAX + 16];
    REAL(unlink);
    REAL(rename);
    if (!succeeded) file->had_failure = 1;
    for (unsigned generation = file->first; generation <= ended; generation++) {
        generation_path(path, file, generation);
        snprintf(renamed, sizeof renamed, "%s.%s", path, succeeded ? "durable" : "lost");
        if (!file->had_failure) real_unlink(path);
        else real_rename(path, renamed); /* one that has a suffix already is not found */
    }
    if (!file->had_failure) file->first = ended + 1;
}

static int sync_noted(int fd, int (*real)(int)) {
    struct stat status;
    char path[PATH_MAX];
    pthread_mutex_lock(&lock);
    if (root[0] && !fstat(fd, &status) && S_ISDIR(status.st_mode)) {
        path_of(fd, path);
        int result = real(fd);
        if (!result) forget_names(is_in_directory, path);
        pthread_mutex_unlock(&lock);
        return result;
    }
    struct file *file = file_of(fd, &status);
    if (!file) {
        pthread_mutex_unlock(&lock);
        return real(fd);
    }
    control->syncs++;
    int fails = must_fail(ON_SYNC);
    end_generation(file);
    unsigned ended = file->newest;
    uint32_t wait = control->sync_microseconds;
    pthread_mutex_unlock(&lock);
    pause_for(wait);
    int result = fails ? -1 : real(fd);
    int error = fails ? (int)control->fail_errno : errno;
    pthread_mutex_lock(&lock);
    after_sync(file, ended, !result);
    if (!result) {
        path_of(fd, path);
        forget_names(is_creation_of, path);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return result;
}

int fsync(int fd) {
    REAL(fsync);
    return sync_noted(fd, real_fsync);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    return sync_noted(fd, real_fdatasync);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    REAL(mmap64);
    struct stat status;
    if (root[0] && fd >= 0 && (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE)) {
        char path[PATH_MAX], unseen[PATH_MAX];
        path_of(fd, path);
        pthread_mutex_lock(&lock);
        if (file_of(fd, &status)) {
            journal_path(unseen, "unseen");
            int out = raw_open(unseen, O_WRONLY | O_CREAT | O_APPEND);
            if (out < 0) die(unseen);
            write_all(out, path, strlen(path));
            write_all(out, "\n", 1);
            close(out);
        }
        pthread_mutex_unlock(&lock);
    }
    return real_mmap64(address, length, protection, flags, fd, offset);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return mmap64(address, length, protection, flags, fd, offset);
}
