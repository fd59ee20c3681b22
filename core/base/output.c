/* Files that appear whole or not at all (weft_output.h). */
#define _GNU_SOURCE /* O_TMPFILE, flock */
#include "weft_output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  NAMES = 1000, /* processes that may write one file at once */
  LINKS = 40, /* symbolic links behind one another, as Linux follows */
  SWEPT = 16, /* the first names, where what was left behind is looked for */
  FDS_LOOKED_AT = 255
};

static void name_of(weft_output *output, int number) {
  snprintf(output->name, sizeof output->name, "%s.weft-%d.tmp", output->path, number);
}

/* Does the name lead to the very file that is open? */
static int leads_to(const char *name, int fd) {
  struct stat named, held;
  return lstat(name, &named) == 0 && fstat(fd, &held) == 0 && named.st_dev == held.st_dev &&
         named.st_ino == held.st_ino;
}

/* Remove a file whose writer is gone. The lock goes with its process; who has it may remove the
 * name, if that still leads to the same file. Where there are no locks, nothing is removed. */
static void sweep(const char *name) {
  const int fd = open(name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct stat found;
  if (fd < 0) return;
  if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
      leads_to(name, fd))
    unlink(name);
  close(fd);
}

static void sweep_all(weft_output *output) {
  for (int i = 0; i < SWEPT; ++i) {
    name_of(output, i);
    sweep(output->name);
  }
  output->name[0] = '\0';
}

/* A file without a name, where the file system has such; its lock is for when it gets one. */
static int open_nameless(const weft_output *output) {
#ifdef O_TMPFILE
  char folder[WEFT_OUTPUT_PATH_MAX];
  memcpy(folder, output->path, sizeof folder);
  char *slash = strrchr(folder, '/');
  if (slash == NULL) {
    strcpy(folder, ".");
  } else {
    slash[slash == folder] = '\0'; /* "/x" is in "/" */
  }
  if (access("/proc/self/fd", X_OK) != 0) return -1; /* by which it is to get its name */
  const int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd >= 0) (void)flock(fd, LOCK_EX | LOCK_NB);
  return fd;
#else
  (void)output;
  return -1;
#endif
}

/* A new file under the first name that is free. Somebody's sweep may take it until it is locked. */
static int open_named(weft_output *output) {
  for (int i = 0; i < NAMES; ++i) {
    name_of(output, i);
    const int fd = open(output->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno != EEXIST) break;
    if (fd < 0) continue;
    const int taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && leads_to(output->name, fd)) return fd;
    close(fd);
    errno = EEXIST;
  }
  return -1;
}

/* Give a nameless file the first temporary name that is free. */
static int link_named(weft_output *output) {
  char from[64];
  snprintf(from, sizeof from, "/proc/self/fd/%d", output->hold);
  for (int i = 0; i < NAMES; ++i) {
    name_of(output, i);
    if (linkat(AT_FDCWD, from, AT_FDCWD, output->name, AT_SYMLINK_FOLLOW) == 0) return 0;
    if (errno != EEXIST) break;
  }
  output->name[0] = '\0';
  return -1;
}

/* To replace /dev/null by a file would be a disaster, a pipe would not get what it is for, and
 * /dev/stdout is a link to whatever is there. */
static int is_special(const char *path, const struct stat *there) {
  struct stat link;
  const int of_system = strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0;
  return !S_ISREG(there->st_mode) ||
         (of_system && lstat(path, &link) == 0 && S_ISLNK(link.st_mode));
}

/* Have the path be that of the file behind symbolic links, which need not be there yet. */
static int follow_links(weft_output *output) {
  char target[WEFT_OUTPUT_PATH_MAX];
  for (int i = 0; i < LINKS; ++i) {
    const ssize_t length = readlink(output->path, target, sizeof target - 1);
    if (length < 0) return 0; /* no link */
    target[length] = '\0';
    char *slash = target[0] == '/' ? NULL : strrchr(output->path, '/');
    const size_t kept = slash == NULL ? 0 : (size_t)(slash + 1 - output->path);
    if (kept + (size_t)length >= sizeof output->path) {
      errno = ENAMETOOLONG;
      return -1;
    }
    memcpy(output->path + kept, target, (size_t)length + 1);
  }
  errno = ELOOP;
  return -1;
}

/* Of this process, the descriptor that writes to the file at a path, or -1: another one would write
 * from the beginning, and what was replaced would be lost to it. Standard output and error for
 * files of all kinds, others for regular files. */
static int writer_of(const struct stat *there) {
  const int last = S_ISREG(there->st_mode) ? FDS_LOOKED_AT : STDERR_FILENO;
  for (int fd = STDOUT_FILENO; fd <= last; ++fd) {
    struct stat held;
    const int mode = fcntl(fd, F_GETFL);
    if (mode >= 0 && (mode & O_ACCMODE) != O_RDONLY && fstat(fd, &held) == 0 &&
        held.st_dev == there->st_dev && held.st_ino == there->st_ino)
      return fd;
  }
  return -1;
}

/* Write on where the process has come to: behind what it has printed before. */
static int open_direct(const weft_output *output, int writer) {
  fflush(stdout);
  if (writer >= 0) return fcntl(writer, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  return open(output->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
}

static int open_file(weft_output *output) {
  struct stat there;
  const char *slash = strrchr(output->path, '/');
  const int has_name = output->path[0] != '\0' && (slash == NULL || slash[1] != '\0');
  const int exists = stat(output->path, &there) == 0;
  if (!has_name || (exists && S_ISDIR(there.st_mode))) {
    errno = output->path[0] == '\0' ? ENOENT : EISDIR;
    return -1;
  }
  const int writer = exists ? writer_of(&there) : -1;
  const int is_standard = writer == STDOUT_FILENO || writer == STDERR_FILENO;
  output->direct = exists && (is_standard || is_special(output->path, &there));
  if (output->direct) return open_direct(output, writer);
  if (follow_links(output) != 0) return -1;
  sweep_all(output);
  const int fd = open_nameless(output);
  return fd >= 0 ? fd : open_named(output);
}

int weft__output_open(weft_output *output, const char *path) {
  output->file = NULL;
  output->hold = -1;
  output->direct = 0;
  output->name[0] = '\0';
  if (strlen(path) >= sizeof output->path) return ENAMETOOLONG;
  strcpy(output->path, path);
  const int fd = open_file(output);
  if (fd < 0) return errno;
  output->hold = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  output->file = output->hold >= 0 ? fdopen(fd, "wb") : NULL;
  if (output->file != NULL) return 0;
  const int reason = errno;
  close(fd);
  weft__output_discard(output);
  return reason;
}

/* All but the name: what was written has arrived. */
static int close_file(weft_output *output) {
  const int failed = ferror(output->file);
  errno = 0;
  const int reason = fclose(output->file) != 0 ? errno : 0;
  output->file = NULL;
  return reason == 0 && failed ? EIO : reason;
}

int weft__output_commit(weft_output *output) {
  int reason = close_file(output);
  if (reason == 0 && !output->direct) {
    const int named = output->name[0] != '\0' || link_named(output) == 0;
    if (!named || rename(output->name, output->path) != 0) reason = errno;
    if (reason == 0) output->name[0] = '\0';
  }
  weft__output_discard(output);
  return reason;
}

void weft__output_discard(weft_output *output) {
  if (output->file != NULL) fclose(output->file);
  if (output->name[0] != '\0') unlink(output->name);
  if (output->hold >= 0) close(output->hold);
  output->file = NULL;
  output->name[0] = '\0';
  output->hold = -1;
}
