/* Files that appear whole or not at all. */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"
#include "weft_output.h"

static char folder[64];

static const char *path_in_new_folder(char *path, size_t size) {
  strcpy(folder, "/tmp/weft-output-XXXXXX");
  ENSURE(mkdtemp(folder) != NULL);
  snprintf(path, size, "%s/result", folder);
  return path;
}

static void drop_folder(void) {
  char command[128];
  snprintf(command, sizeof command, "rm -r %s", folder);
  ENSURE(system(command) == 0);
}

static int is_there(const char *path, const char *ending) {
  char name[128];
  struct stat found;
  snprintf(name, sizeof name, "%s%s", path, ending);
  return lstat(name, &found) == 0;
}

static void ensure_content(const char *path, const char *wanted) {
  char content[64] = "";
  FILE *file = fopen(path, "rb");
  ENSURE(file != NULL);
  ENSURE(fread(content, 1, sizeof content - 1, file) == strlen(wanted));
  fclose(file);
  ENSURE(strcmp(content, wanted) == 0);
}

TEST(output_replaces_a_file_at_its_commit_only) {
  char path[96];
  weft_output first, second;
  path_in_new_folder(path, sizeof path);
  ENSURE(weft__output_open(&first, path) == 0);
  ENSURE(weft__output_open(&second, path) == 0);
  fputs("first", first.file);
  fputs("second", second.file);
  ENSURE(!is_there(path, ""));
  ENSURE(weft__output_commit(&first) == 0);
  ensure_content(path, "first");
  ENSURE(weft__output_commit(&second) == 0);
  ensure_content(path, "second");
  ENSURE(weft__output_open(&first, path) == 0);
  fputs("third", first.file);
  weft__output_discard(&first);
  weft__output_discard(&first);
  ensure_content(path, "second");
  for (int i = 0; i < 3; ++i) {
    char ending[32];
    snprintf(ending, sizeof ending, ".weft-%d.tmp", i);
    ENSURE(!is_there(path, ending));
  }
  drop_folder();
}

TEST(output_sweeps_what_is_not_locked) {
  char path[96], held[128], dead[128];
  weft_output output;
  path_in_new_folder(path, sizeof path);
  snprintf(held, sizeof held, "%s.weft-0.tmp", path);
  snprintf(dead, sizeof dead, "%s.weft-1.tmp", path);
  const int living = open(held, O_WRONLY | O_CREAT | O_EXCL, 0666);
  ENSURE(living >= 0 && flock(living, LOCK_EX | LOCK_NB) == 0);
  close(open(dead, O_WRONLY | O_CREAT | O_EXCL, 0666));
  ENSURE(weft__output_open(&output, path) == 0);
  ENSURE(weft__output_commit(&output) == 0);
  ENSURE(is_there(path, ".weft-0.tmp") && !is_there(path, ".weft-1.tmp") && is_there(path, ""));
  close(living);
  ENSURE(weft__output_open(&output, path) == 0);
  weft__output_discard(&output);
  ENSURE(!is_there(path, ".weft-0.tmp"));
  drop_folder();
}

TEST(output_of_a_killed_process_does_not_stay) {
  char path[96];
  weft_output output;
  path_in_new_folder(path, sizeof path);
  const pid_t child = fork();
  if (child == 0) {
    if (weft__output_open(&output, path) != 0) _exit(1);
    fputs("half", output.file);
    fflush(output.file);
    raise(SIGKILL);
  }
  int status;
  ENSURE(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
  ENSURE(!is_there(path, ""));
  ENSURE(weft__output_open(&output, path) == 0);
  ENSURE(weft__output_commit(&output) == 0);
  ENSURE(is_there(path, "") && !is_there(path, ".weft-0.tmp"));
  drop_folder();
}

TEST(output_says_what_is_wrong) {
  char path[96], longer[WEFT_OUTPUT_PATH_MAX + 8];
  weft_output output;
  path_in_new_folder(path, sizeof path);
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  ENSURE(weft__output_open(&output, folder) == EISDIR);
  ENSURE(weft__output_open(&output, "") == ENOENT);
  ENSURE(weft__output_open(&output, "/nonexistent/x") == ENOENT);
  ENSURE(weft__output_open(&output, longer) == ENAMETOOLONG);
  ENSURE(weft__output_open(&output, "/dev/full") == 0);
  fputs("x", output.file);
  ENSURE(weft__output_commit(&output) == ENOSPC);
  drop_folder();
}
