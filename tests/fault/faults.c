/* SPDX-License-Identifier: MIT
 *
 * faults.c: a library to preload before the program under test. It counts the calls of one kind
 * and, at the n-th, dies, fails, does half of it, or lets the world change first; it can write down
 * all calls that change something, in order. The environment tells it what to do:
 *
 *     FAULT_CALL   the kind: one of the names in `kinds`
 *     FAULT_PATH   words of the path that it is about: others are not counted
 *     FAULT_AT     the n-th call of that kind, from 1
 *     FAULT_HOW    before | after: _exit() then; short: half of a read or write; run: run
 *                  FAULT_COMMAND by sh first; an errno: fail with it; an errno and a "+": so does
 *                  every later call of the kind; hang: it never comes back, nor does a later one
 *     FAULT_HASTE  how many times as fast as the world's the monotonic clock runs
 *     FAULT_TRACE  the file that gets a line per call that changed something, and in the end the
 *                  number of calls of the kind
 *
 * Calls on standard streams are not counted; those of children that execute nothing are, with their
 * parent's. Linked into nothing; only tests load it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEAD 99 /* the exit status of a run that was told to die */

enum kind {
        NOTHING,
        WRITE,
        FSYNC,
        RENAME,
        SYMLINK,
        UNLINK,
        MKDIR,
        CREATE,
        OWN,
        OPEN,
        READ,
        STAT,
        LIST,
        READLINK,
        SEND,
        ALLOCATE,
        N_KINDS
};

static const char *const kinds[N_KINDS] = {
        [NOTHING] = "nothing", [WRITE] = "write",       [FSYNC] = "fsync", [RENAME] = "rename",
        [SYMLINK] = "symlink", [UNLINK] = "unlink",     [MKDIR] = "mkdir", [CREATE] = "create",
        [OWN] = "own",         [OPEN] = "open",         [READ] = "read",   [STAT] = "stat",
        [LIST] = "list",       [READLINK] = "readlink", [SEND] = "send",   [ALLOCATE] = "alloc",
};

static struct {
        bool armed;
        enum kind kind;
        const char *path;
        unsigned long at;
        unsigned long *seen; /* shared with children */
        pid_t run;           /* the process that dies, and its children with it */
        const char *how;
        const char *command;
        long haste;
        int trace;
} fault = { .trace = -1 };

/* What the wrapper of the call that is the n-th has to do. */
enum verdict { GO_ON, FAIL, HALF, DIE_AFTER };

static void *next(const char *name)
{
        return dlsym(RTLD_NEXT, name);
}

static void die(int signal)
{
        (void)signal;
        if (getpid() != fault.run)
                (void)kill(fault.run, SIGUSR2);
        _exit(DEAD);
}

/* Above all descriptors that a child closes before it works in homes (guarded.c). */
static int out_of_reach(int fd)
{
        struct rlimit old, more;
        int high;

        (void)getrlimit(RLIMIT_NOFILE, &old);
        more = (struct rlimit){ old.rlim_max < 4096 ? old.rlim_max : 4096, old.rlim_max };
        (void)setrlimit(RLIMIT_NOFILE, &more);
        high = fcntl(fd, F_DUPFD_CLOEXEC, 2048);
        (void)setrlimit(RLIMIT_NOFILE, &old);
        if (high < 0)
                return fd;
        (void)close(fd);
        return high;
}

__attribute__((constructor)) static void arm(void)
{
        const char *call = getenv("FAULT_CALL"), *at = getenv("FAULT_AT"),
                   *trace = getenv("FAULT_TRACE"), *haste = getenv("FAULT_HASTE");

        for (int k = 0; call && k < N_KINDS; k++)
                if (strcmp(call, kinds[k]) == 0)
                        fault.kind = (enum kind)k;
        fault.at = at ? strtoul(at, NULL, 10) : 0;
        fault.haste = haste ? atol(haste) : 1;
        fault.how = getenv("FAULT_HOW");
        fault.path = getenv("FAULT_PATH");
        fault.run = getpid();
        (void)signal(SIGUSR2, die);
        fault.command = getenv("FAULT_COMMAND");
        fault.seen = mmap(NULL, sizeof(*fault.seen), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (trace)
                fault.trace =
                        out_of_reach((int)syscall(SYS_openat, AT_FDCWD, trace,
                                                  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        fault.armed = true;
}

/* The world changes while the program is at work. */
static void let_happen(const char *command)
{
        pid_t child;

        fault.armed = false;
        child = fork();
        if (child == 0) {
                (void)unsetenv("LD_PRELOAD");
                (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
                _exit(127);
        }
        (void)waitpid(child, NULL, 0);
        fault.armed = true;
}

/* Where a descriptor points to, as a path. */
static const char *place(int fd, char path[static 4096])
{
        char link[64];
        ssize_t n;

        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, 4095);
        path[n < 0 ? 0 : n] = '\0';
        return path;
}

/* Whether a call is about the path in question; a name NULL is the descriptor's own path. */
static bool is_meant(int fd, const char *name)
{
        char path[2 * 4096];
        size_t n;

        if (!fault.path)
                return true;
        (void)place(fd, path);
        n = strlen(path);
        (void)snprintf(path + n, sizeof(path) - n, "/%s", name ? name : "");
        return strstr(path, fault.path) != NULL;
}

static enum verdict judge(enum kind kind, int fd, const char *name)
{
        const char *how = fault.how;

        if (!fault.armed || kind != fault.kind || !is_meant(fd, name))
                return GO_ON;
        ++*fault.seen;
        if (!how)
                return GO_ON;
        if (*fault.seen > fault.at && how[0] >= '0' && how[0] <= '9' && how[strlen(how) - 1] == '+')
                errno = atoi(how);
        else if (*fault.seen > fault.at && strcmp(how, "hang") == 0)
                ;
        else if (*fault.seen != fault.at)
                return GO_ON;
        while (strcmp(how, "hang") == 0)
                (void)pause();
        if (strcmp(how, "before") == 0)
                die(0);
        if (strcmp(how, "after") == 0)
                return DIE_AFTER;
        if (strcmp(how, "short") == 0)
                return HALF;
        if (strcmp(how, "run") == 0) {
                let_happen(fault.command);
                return GO_ON;
        }
        errno = atoi(how);
        return FAIL;
}

__attribute__((format(printf, 1, 2))) static void write_down(const char *fmt, ...)
{
        char line[2 * 4096];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(line, sizeof(line), fmt, ap);
        va_end(ap);
        if (n > 0 && (size_t)n < sizeof(line))
                (void)syscall(SYS_write, fault.trace, line, n);
}

__attribute__((destructor)) static void sum_up(void)
{
        if (fault.trace >= 0)
                write_down("%s %lu\n", kinds[NOTHING], *fault.seen);
}

/* One line: what, and the paths of up to two (folder, name) pairs; a name NULL is the descriptor's
 * own path. Only what has worked is written down. */
static void note(enum kind kind, int fd, const char *name, int to, const char *to_name)
{
        char path[4096], other[4096];
        int saved = errno;

        if (!fault.armed || fault.trace < 0)
                return;
        if (to < 0)
                write_down("%s %s%s%s\n", kinds[kind], place(fd, path), name ? "/" : "",
                           name ? name : "");
        else
                write_down("%s %s/%s %s/%s\n", kinds[kind], place(fd, path), name, place(to, other),
                           to_name);
        errno = saved;
}

/* The common form of a call that fails with -1. `result` is the call, made as its type. */
#define PASS(kind, call, fd, name, to, to_name)                                                    \
        ({                                                                                         \
                enum verdict verdict_ = judge(kind, fd, name);                                     \
                int result_ = verdict_ == FAIL ? -1 : (int)(call);                                 \
                if (result_ >= 0)                                                                  \
                        note(kind, fd, name, to, to_name);                                         \
                if (verdict_ == DIE_AFTER)                                                         \
                        die(0);                                                                    \
                result_;                                                                           \
        })

#define CHANGE(kind, fd, name, to, to_name, function, parameters, ...)                             \
        int function parameters                                                                    \
        {                                                                                          \
                int(*real) parameters = next(#function);                                           \
                                                                                                   \
                return PASS(kind, real(__VA_ARGS__), fd, name, to, to_name);                       \
        }

CHANGE(FSYNC, fd, NULL, -1, NULL, fsync, (int fd), fd)
CHANGE(RENAME, from, old, to, new, renameat, (int from, const char *old, int to, const char *new),
       from, old, to, new)
CHANGE(SYMLINK, dir, name, -1, NULL, symlinkat, (const char *target, int dir, const char *name),
       target, dir, name)
CHANGE(UNLINK, dir, name, -1, NULL, unlinkat, (int dir, const char *name, int flags), dir, name,
       flags)
CHANGE(MKDIR, dir, name, -1, NULL, mkdirat, (int dir, const char *name, mode_t mode), dir, name,
       mode)
CHANGE(OWN, fd, NULL, -1, NULL, fchown, (int fd, uid_t uid, gid_t gid), fd, uid, gid)
CHANGE(OWN, fd, NULL, -1, NULL, fchmod, (int fd, mode_t mode), fd, mode)

int openat(int dir, const char *name, int flags, ...)
{
        int (*real)(int, const char *, int, ...) = next("openat");
        mode_t mode = 0;

        if (flags & O_CREAT) {
                va_list ap;

                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
                return PASS(CREATE, real(dir, name, flags, mode), dir, name, -1, NULL);
        }
        return judge(OPEN, dir, name) == FAIL ? -1 : real(dir, name, flags);
}

/* What a hardened build calls where it makes no file. */
int __openat_2(int dir, const char *name, int flags);
int __openat_2(int dir, const char *name, int flags)
{
        return openat(dir, name, flags);
}

int fstat(int fd, struct stat *st)
{
        int (*real)(int, struct stat *) = next("fstat");

        return judge(fd > STDERR_FILENO ? STAT : NOTHING, fd, NULL) == FAIL ? -1 : real(fd, st);
}

ssize_t write(int fd, const void *data, size_t size)
{
        ssize_t (*real)(int, const void *, size_t) = next("write");
        enum verdict v = judge(fd > STDERR_FILENO ? WRITE : NOTHING, fd, NULL);
        ssize_t n;

        if (v == FAIL)
                return -1;
        n = real(fd, data, v != GO_ON && size > 1 ? size / 2 : size);
        if (v == DIE_AFTER) /* in the middle of the file */
                die(0);
        if (n >= 0 && fd > STDERR_FILENO)
                note(WRITE, fd, NULL, -1, NULL);
        return n;
}

ssize_t read(int fd, void *data, size_t size)
{
        ssize_t (*real)(int, void *, size_t) = next("read");
        enum verdict v = judge(fd > STDERR_FILENO ? READ : NOTHING, fd, NULL);

        return v == FAIL ? -1 : real(fd, data, v == HALF && size > 1 ? 1 : size);
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
        int (*real)(clockid_t, struct timespec *) = next("clock_gettime");
        int r = real(clock, t);

        if (clock == CLOCK_MONOTONIC && fault.haste > 1) {
                long long ns = (t->tv_sec * 1000000000LL + t->tv_nsec) * fault.haste;

                *t = (struct timespec){ ns / 1000000000, ns % 1000000000 };
        }
        return r;
}

/* With that flag another file system is not asked anything. */
static bool never_waits(const struct open_how *how)
{
        return how->resolve & RESOLVE_NO_XDEV;
}

/* openat2(2) has no wrapper in the C library. */
long syscall(long number, ...)
{
        long (*real)(long, ...) = next("syscall");
        long a[6];
        va_list ap;

        va_start(ap, number);
        for (int i = 0; i < 6; i++)
                a[i] = va_arg(ap, long);
        va_end(ap);
        if (number == __NR_openat2 && !never_waits((const struct open_how *)a[2]) &&
            judge(OPEN, (int)a[0], (const char *)a[1]) == FAIL)
                return -1;
        return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Those that only fail. dlsym(3) allocates: the real one is looked for once. */
#define SIMPLE(kind, fd, path, failure, type, name, parameters, ...)                               \
        type name parameters                                                                       \
        {                                                                                          \
                static type(*real) parameters;                                                     \
                                                                                                   \
                if (!real)                                                                         \
                        real = next(#name);                                                        \
                return judge(kind, fd, path) == FAIL ? failure : real(__VA_ARGS__);                \
        }
#define ALLOCATOR(...) SIMPLE(ALLOCATE, -1, NULL, NULL, __VA_ARGS__)

SIMPLE(STAT, dir, name, -1, int, fstatat, (int dir, const char *name, struct stat *st, int flags),
       dir, name, st, flags)
SIMPLE(LIST, fd, NULL, -1, ssize_t, getdents64, (int fd, void *to, size_t size), fd, to, size)
SIMPLE(READLINK, dir, name, -1, ssize_t, readlinkat,
       (int dir, const char *name, char *to, size_t size), dir, name, to, size)
SIMPLE(SEND, fd, NULL, -1, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), fd, m,
       flags)
ALLOCATOR(void *, malloc, (size_t size), size)
ALLOCATOR(void *, realloc, (void *old, size_t size), old, size)
ALLOCATOR(void *, reallocarray, (void *old, size_t n, size_t size), old, n, size)
ALLOCATOR(void *, calloc, (size_t n, size_t size), n, size)
ALLOCATOR(char *, strdup, (const char *s), s)
ALLOCATOR(char *, strndup, (const char *s, size_t n), s, n)
