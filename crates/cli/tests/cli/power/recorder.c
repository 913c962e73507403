/* Notes, in order, what a program does to the files below one folder: loaded before the C library (LD_PRELOAD), it
   stands between the program and the calls that change a disk. `log.rs` reads what it writes.

   A record is a line of words, followed by as many bytes as it says where content belongs to it:
     O inode mode path    a file was made            D inode mode path    a folder was made
     W inode offset size  bytes were written         T inode size         a file was cut or grown
     S inode              it was synced              M inode mode         its permissions changed
     R path \t path       renamed                    L inode path         a second name was given
     U path               a name was removed         A size               told to whoever started the program
   One call at a time is done and noted, so that the order is that of the disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* The programs recorded may use either name; we define both. */
#undef open
#undef openat

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
static int notes = -1;
static char root[PATH_MAX];
static size_t root_length;
static int is_told;

#define REAL(result, name, ...)                                                                                        \
    static result (*name)(__VA_ARGS__) = NULL;                                                                         \
    if (!name) name = dlsym(RTLD_NEXT, __func__)

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("FIRSTLIGHT_TEST_DISK_LOG"), *folder = getenv("FIRSTLIGHT_TEST_DISK_ROOT");
    if (!log || !folder) return;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int opened = real(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (opened < 0) return;
    /* Out of the way of programs that count on low numbers. */
    notes = fcntl(opened, F_DUPFD_CLOEXEC, 500);
    close(opened);
    snprintf(root, sizeof root, "%s/", folder);
    root_length = strlen(root);
    is_told = strcmp(program_invocation_short_name, "firstlight") == 0;
}

static void enter(void) { pthread_mutex_lock(&one_at_a_time); }

static void leave(void) {
    int error = errno;
    pthread_mutex_unlock(&one_at_a_time);
    errno = error;
}

static void note(const void *content, size_t size, const char *format, ...) {
    static ssize_t (*real)(int, const struct iovec *, int) = NULL;
    if (!real) real = dlsym(RTLD_NEXT, "writev");
    int error = errno;
    char line[3 * PATH_MAX];
    va_list words;
    va_start(words, format);
    int length = vsnprintf(line, sizeof line, format, words);
    va_end(words);
    struct iovec parts[] = {{line, (size_t)length}, {(void *)content, size}};
    if (real(notes, parts, 2) != (ssize_t)(length + size)) abort();
    errno = error;
}

/* The absolute path, if it lies below the folder. */
static int path_of(int folder, const char *path, char *into) {
    if (notes < 0 || !path) return 0;
    char base[PATH_MAX] = "";
    if (path[0] != '/') {
        if (folder == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
            ssize_t length = readlink(link, base, sizeof base - 1);
            if (length < 0) return 0;
            base[length] = 0;
        }
    }
    if (snprintf(into, PATH_MAX, "%s%s%s", base, base[0] ? "/" : "", path) >= PATH_MAX) return 0;
    return strncmp(into, root, root_length) == 0;
}

/* The inode of an open file or folder, if it lies below the folder and has a name. */
static unsigned long inode_of(int fd) {
    char link[64], path[PATH_MAX];
    struct stat found;
    if (notes < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    int is_root = (size_t)length == root_length - 1 && strncmp(path, root, root_length - 1) == 0;
    if ((!is_root && strncmp(path, root, root_length) != 0) || fstat(fd, &found) != 0) return 0;
    return (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode)) && found.st_nlink > 0 ? found.st_ino : 0;
}

static int opened(int (*real)(int, const char *, int, ...), int folder, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    struct stat found;
    if (!path_of(folder, path, whole) || !(flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE)
        return real(folder, path, flags, mode);
    enter();
    int was_there = lstat(whole, &found) == 0;
    int fd = real(folder, path, flags, mode);
    if (fd >= 0 && fstat(fd, &found) == 0) {
        if (!was_there)
            note(NULL, 0, "O %lu %o %s\n", found.st_ino, found.st_mode & 07777, whole);
        else if (flags & O_TRUNC)
            note(NULL, 0, "T %lu 0\n", found.st_ino);
    }
    leave();
    return fd;
}

static int real_openat(int folder, const char *path, int flags, ...) {
    static int (*real)(int, const char *, int, ...) = NULL;
    if (!real) real = dlsym(RTLD_NEXT, "openat");
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return real(folder, path, flags, mode);
}

#define MODE_AFTER(flags)                                                                                              \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

#define OPEN(name)                                                                                                     \
    int name(const char *path, int flags, ...) {                                                                       \
        MODE_AFTER(flags)                                                                                              \
        return opened(real_openat, AT_FDCWD, path, flags, mode);                                                       \
    }
OPEN(open)
OPEN(open64)
OPEN(__open_2)
OPEN(__open64_2)

#define OPENAT(name)                                                                                                   \
    int name(int folder, const char *path, int flags, ...) {                                                           \
        MODE_AFTER(flags)                                                                                              \
        return opened(real_openat, folder, path, flags, mode);                                                         \
    }
OPENAT(openat)
OPENAT(openat64)

int creat(const char *path, mode_t mode) {
    return opened(real_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, real, int, const void *, size_t);
    unsigned long inode = inode_of(fd);
    int tells = is_told && fd == STDOUT_FILENO && notes >= 0;
    if (!inode && !tells) return real(fd, bytes, size);
    enter();
    ssize_t done = real(fd, bytes, size);
    if (done > 0 && inode)
        note(bytes, (size_t)done, "W %lu %lld %zd\n", inode, (long long)lseek(fd, 0, SEEK_CUR) - done, done);
    else if (done > 0)
        note(bytes, (size_t)done, "A %zd\n", done);
    leave();
    return done;
}

/* One after the other, which callers have to expect: a write may always be short. */
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, real, int, const struct iovec *, int);
    for (int part = 0; part < count && (inode_of(fd) || (is_told && fd == STDOUT_FILENO)); part++)
        if (parts[part].iov_len) return write(fd, parts[part].iov_base, parts[part].iov_len);
    return real(fd, parts, count);
}

#define PWRITE(name)                                                                                                   \
    ssize_t name(int fd, const void *bytes, size_t size, off_t offset) {                                               \
        REAL(ssize_t, real, int, const void *, size_t, off_t);                                                         \
        unsigned long inode = inode_of(fd);                                                                            \
        if (!inode) return real(fd, bytes, size, offset);                                                              \
        enter();                                                                                                       \
        ssize_t done = real(fd, bytes, size, offset);                                                                  \
        if (done > 0) note(bytes, (size_t)done, "W %lu %lld %zd\n", inode, (long long)offset, done);                   \
        leave();                                                                                                       \
        return done;                                                                                                   \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* Content that is copied inside the kernel would not be seen: callers fall back to reading and writing. */
ssize_t copy_file_range(int from, off_t *at, int to, off_t *into, size_t size, unsigned flags) {
    (void)from, (void)at, (void)to, (void)into, (void)size, (void)flags;
    errno = ENOSYS;
    return -1;
}
#define SENDFILE(name)                                                                                                 \
    ssize_t name(int to, int from, off_t *at, size_t size) {                                                           \
        (void)to, (void)from, (void)at, (void)size;                                                                    \
        errno = ENOSYS;                                                                                                \
        return -1;                                                                                                     \
    }
SENDFILE(sendfile)
SENDFILE(sendfile64)

#define FTRUNCATE(name)                                                                                                \
    int name(int fd, off_t size) {                                                                                     \
        REAL(int, real, int, off_t);                                                                                   \
        unsigned long inode = inode_of(fd);                                                                            \
        if (!inode) return real(fd, size);                                                                             \
        enter();                                                                                                       \
        int done = real(fd, size);                                                                                     \
        if (done == 0) note(NULL, 0, "T %lu %lld\n", inode, (long long)size);                                          \
        leave();                                                                                                       \
        return done;                                                                                                   \
    }
FTRUNCATE(ftruncate)
FTRUNCATE(ftruncate64)

#define SYNC(name)                                                                                                     \
    int name(int fd) {                                                                                                 \
        REAL(int, real, int);                                                                                          \
        unsigned long inode = inode_of(fd);                                                                            \
        if (!inode) return real(fd);                                                                                   \
        enter();                                                                                                       \
        /* Noting it is enough: the machine of the test does not lose power. */                                        \
        note(NULL, 0, "S %lu\n", inode);                                                                               \
        leave();                                                                                                       \
        return 0;                                                                                                      \
    }
SYNC(fsync)
SYNC(fdatasync)

int fchmod(int fd, mode_t mode) {
    REAL(int, real, int, mode_t);
    unsigned long inode = inode_of(fd);
    int done = real(fd, mode);
    if (done == 0 && inode) note(NULL, 0, "M %lu %o\n", inode, mode & 07777);
    return done;
}

int chmod(const char *path, mode_t mode) {
    REAL(int, real, const char *, mode_t);
    char whole[PATH_MAX];
    struct stat found;
    int done = real(path, mode);
    if (done == 0 && path_of(AT_FDCWD, path, whole) && stat(whole, &found) == 0)
        note(NULL, 0, "M %lu %o\n", found.st_ino, mode & 07777);
    return done;
}

int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(int, real, int, const char *, mode_t);
    char whole[PATH_MAX];
    struct stat found;
    if (!path_of(folder, path, whole)) return real(folder, path, mode);
    enter();
    int done = real(folder, path, mode);
    if (done == 0 && stat(whole, &found) == 0)
        note(NULL, 0, "D %lu %o %s\n", found.st_ino, found.st_mode & 07777, whole);
    leave();
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int unlinkat(int folder, const char *path, int flags) {
    REAL(int, real, int, const char *, int);
    char whole[PATH_MAX];
    if (!path_of(folder, path, whole)) return real(folder, path, flags);
    enter();
    int done = real(folder, path, flags);
    if (done == 0) note(NULL, 0, "U %s\n", whole);
    leave();
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    REAL(int, real, int, const char *, int, const char *, unsigned);
    char old[PATH_MAX], new[PATH_MAX];
    int leaves = path_of(from_folder, from, old), comes = path_of(to_folder, to, new);
    if (!leaves && !comes) return real(from_folder, from, to_folder, to, flags);
    enter();
    int done = real(from_folder, from, to_folder, to, flags);
    if (done == 0) note(NULL, 0, "R %s\t%s\n", old, new);
    leave();
    return done;
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return renameat2(from_folder, from, to_folder, to, 0);
}
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    REAL(int, real, int, const char *, int, const char *, int);
    char whole[PATH_MAX];
    struct stat found;
    if (!path_of(to_folder, to, whole)) return real(from_folder, from, to_folder, to, flags);
    enter();
    int done = real(from_folder, from, to_folder, to, flags);
    if (done == 0 && lstat(whole, &found) == 0) note(NULL, 0, "L %lu %s\n", found.st_ino, whole);
    leave();
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }
