/* A disk for one process, laid over libc (LD_PRELOAD): what is not synced does not survive, and its room may end.
 *
 * STORAGE_FROM   folder whose files lie on that disk
 * STORAGE_TO     folder that holds them as they were when last synced: what is left after a power cut
 * STORAGE_CUT    the power goes at this sync (counted from 1), before anything of it has reached the disk
 * STORAGE_ROOM   bytes that may be written; then the disk is full
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static long syncs, written;

static const char *on_disk(int fd, char *path, size_t size) {
    char link[64];
    const char *from = getenv("STORAGE_FROM");
    if (!from) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    if (strncmp(path, from, strlen(from))) return NULL;
    const char *name = path + strlen(from);
    return *name == '/' ? name + 1 : *name ? NULL : name; /* "" is the folder itself */
}

/* A synced folder: names that were taken out of it stay out. */
static void forget_names(const char *from, const char *to) {
    char live[4200], kept[4200];
    DIR *folder = opendir(to);
    if (!folder) abort();
    for (struct dirent *one; (one = readdir(folder));) {
        if (one->d_name[0] == '.') continue;
        snprintf(live, sizeof live, "%s/%s", from, one->d_name);
        snprintf(kept, sizeof kept, "%s/%s", to, one->d_name);
        if (access(live, F_OK)) unlink(kept);
    }
    closedir(folder);
}

static void keep(int fd) {
    char path[4096], temporary[4200], final[4200];
    static char buffer[1 << 16];
    const char *to = getenv("STORAGE_TO"), *cut = getenv("STORAGE_CUT"), *name = on_disk(fd, path, sizeof path);
    struct stat what;
    if (!to || !name || fstat(fd, &what)) return;
    if (cut && ++syncs == atol(cut)) kill(getpid(), SIGKILL);
    if (S_ISDIR(what.st_mode)) return *name ? (void)0 : forget_names(path, to);
    snprintf(final, sizeof final, "%s/%s", to, name);
    for (char *slash = final + strlen(to) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = 0;
        mkdir(final, 0700);
    }
    snprintf(temporary, sizeof temporary, "%s.%d-synced", final, getpid());
    int out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600), in = open(path, O_RDONLY);
    if (out < 0 || in < 0) abort();
    ssize_t (*real_write)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    for (ssize_t got; (got = read(in, buffer, sizeof buffer)) > 0;)
        if (real_write(out, buffer, got) != got) abort();
    close(in);
    close(out);
    if (rename(temporary, final)) abort();
}

int fsync(int fd) { keep(fd); return 0; }
int fdatasync(int fd) { keep(fd); return 0; }

static int full(int fd, size_t count) {
    char path[4096];
    const char *room = getenv("STORAGE_ROOM");
    if (!room || !on_disk(fd, path, sizeof path)) return 0;
    written += count;
    if (written <= atol(room)) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t write(int fd, const void *from, size_t count) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return full(fd, count) ? -1 : real(fd, from, count);
}
ssize_t pwrite(int fd, const void *from, size_t count, off_t at) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    return full(fd, count) ? -1 : real(fd, from, count, at);
}
ssize_t pwrite64(int fd, const void *from, size_t count, off64_t at) {
    ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
    return full(fd, count) ? -1 : real(fd, from, count, at);
}
