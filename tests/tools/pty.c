/* Runs a program on a pseudo-terminal, and types what its standard input says, line by line:
 *
 *   <TEXT    type it; \n, \r, \t, \e, \xHH and \\ as in C
 *   >TEXT    wait until it has been printed, behind what was last waited for
 *   !NUMBER  send the program a signal
 *
 * Prints all that came from the program, and "status N" at its end: that of a shell. Waiting for
 * what does not come ends with a line that says so, and status 1. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 10000, OUTPUT_MAX = 1 << 20, LINE_MAX_BYTES = 4096 };

static char output[OUTPUT_MAX];
static size_t length, seen; /* all of it; behind what was last waited for */

static int hex(char c) {
  return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Replaces escapes in place; the result may have zero bytes, so its length is returned. */
static size_t unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from; from++) {
    if (*from != '\\') {
      *to++ = *from;
      continue;
    }
    from++;
    if (*from == 'x') {
      *to++ = (char)(hex(from[1]) * 16 + hex(from[2]));
      from += 2;
    } else {
      *to++ = *from == 'n'   ? '\n'
              : *from == 'r' ? '\r'
              : *from == 't' ? '\t'
              : *from == 'e' ? '\033'
                             : *from;
    }
  }
  *to = '\0';
  return (size_t)(to - text);
}

/* 0 at the end of the program's output, or after PATIENCE_MS without any. */
static int read_some(int terminal) {
  struct pollfd input = {.fd = terminal, .events = POLLIN};
  if (poll(&input, 1, PATIENCE_MS) <= 0) return 0;
  if (length + 1 >= sizeof output) return 0;
  const ssize_t count = read(terminal, output + length, sizeof output - length - 1);
  if (count <= 0) return 0;
  length += (size_t)count;
  output[length] = '\0';
  return 1;
}

static int wait_for(int terminal, const char *text) {
  for (;;) {
    const char *found = strstr(output + seen, text);
    if (found) {
      seen = (size_t)(found - output) + strlen(text);
      return 1;
    }
    if (!read_some(terminal)) return 0;
  }
}

static void become(int terminal, char **argv) {
  setsid();
  const int end = open(ptsname(terminal), O_RDWR);
  const struct winsize size = {.ws_row = 24, .ws_col = 100};
  ioctl(end, TIOCSCTTY, 0);
  ioctl(end, TIOCSWINSZ, &size);
  dup2(end, STDIN_FILENO);
  dup2(end, STDOUT_FILENO);
  dup2(end, STDERR_FILENO);
  if (end > STDERR_FILENO) close(end);
  close(terminal);
  execvp(argv[0], argv);
  _exit(127);
}

/* 0 when all that was waited for has come. */
static int type_lines(int terminal, pid_t program) {
  static char line[LINE_MAX_BYTES];
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '!') kill(program, atoi(line + 1));
    const size_t count = unescape(line + 1);
    if (line[0] == '<' && write(terminal, line + 1, count) < 0) return 1;
    if (line[0] == '>' && !wait_for(terminal, line + 1)) {
      printf("%s\nwaited in vain for '%s'\n", output, line + 1);
      return 1;
    }
  }
  return 0;
}

/* What waitpid() says of it; it is killed when it does not end. */
static int status_of(pid_t program) {
  int status = 0;
  for (int ms = 0; waitpid(program, &status, WNOHANG) == 0; ms += 10) {
    if (ms == PATIENCE_MS) kill(program, SIGKILL);
    poll(NULL, 0, 10);
  }
  return status;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
    perror("pty");
    return 2;
  }
  const pid_t program = fork();
  if (program == 0) become(terminal, argv + 1);
  const int in_vain = type_lines(terminal, program);
  if (in_vain) kill(program, SIGKILL);
  while (!in_vain && read_some(terminal)) continue;
  const int status = status_of(program);
  if (in_vain) return 1;
  printf("%s\nstatus %d\n", output,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}
