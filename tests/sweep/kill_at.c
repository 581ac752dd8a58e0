/* Counts the calls that change something outside the process, and kills it before one of them.
 *
 *   gcc -shared -fPIC -O2 -o kill_at.so kill_at.c -ldl
 *   MODELLIX_KILL_AT=17 MODELLIX_KILL_COUNT=FILE LD_PRELOAD=./kill_at.so modellix-cli …
 *
 * KILL_AT is the number of the call, from 1; 0 kills at none. The count is kept in FILE, 8 bytes of
 * this machine's order, so that it survives the kill. Processes that this one starts run free.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int64_t fallback;
static int64_t *count = &fallback;
static int64_t victim;
static pid_t self;

__attribute__((constructor)) static void start(void) {
    const char *at = getenv("MODELLIX_KILL_AT"), *path = getenv("MODELLIX_KILL_COUNT");
    victim = at ? atoll(at) : 0;
    self = getpid();
    if (path) {
        int file = open(path, O_RDWR | O_CREAT, 0600);
        if (file >= 0) {
            void *kept = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
            if (kept != MAP_FAILED)
                count = kept;
        }
    }
    unsetenv("LD_PRELOAD");
}

static void step(void) {
    if (getpid() != self)
        return;
    if (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) == victim)
        for (;;)
            kill(self, SIGKILL);
}

#define CALL(result, name, parameters, arguments)                      \
    result name parameters {                                           \
        static result (*real) parameters;                              \
        if (!real)                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                 \
        step();                                                        \
        return real arguments;                                         \
    }

CALL(ssize_t, write, (int fd, const void *data, size_t size), (fd, data, size))
CALL(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n))
CALL(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
CALL(ssize_t, pwrite64, (int fd, const void *data, size_t size, off64_t at), (fd, data, size, at))
CALL(int, fsync, (int fd), (fd))
CALL(int, fdatasync, (int fd), (fd))
CALL(int, ftruncate, (int fd, off_t size), (fd, size))
CALL(int, ftruncate64, (int fd, off64_t size), (fd, size))
CALL(int, rename, (const char *from, const char *to), (from, to))
CALL(int, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
CALL(int, link, (const char *from, const char *to), (from, to))
CALL(int, linkat, (int a, const char *from, int b, const char *to, int flags), (a, from, b, to, flags))
CALL(int, unlink, (const char *path), (path))
CALL(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode))
CALL(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode))
CALL(int, connect, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size))
CALL(ssize_t, send, (int fd, const void *data, size_t size, int flags), (fd, data, size, flags))
CALL(ssize_t, sendto,
     (int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t length),
     (fd, data, size, flags, to, length))
CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags))
CALL(ssize_t, recv, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))
CALL(int, close, (int fd), (fd))
