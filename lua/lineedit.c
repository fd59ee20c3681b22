/* Reading lines with editing, history and completion.
 *
 * The editor is whichever library with readline's interface is installed, loaded when the first
 * line is read from a terminal: weft links neither. Its callback interface is used, because then
 * Ctrl-C needs no longjmp out of a signal handler. Without a library, or when the input is not a
 * terminal, lines are read plainly. */
#include <dlfcn.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"

enum { HISTORY_LINES = 1000 };

/* The part of readline's interface that is used. */
typedef char *generator(const char *text, int state);
static struct {
  void *library;
  int loaded; /* tried, with or without success */
  void (*handler_install)(const char *prompt, void (*on_line)(char *line));
  void (*handler_remove)(void);
  void (*read_char)(void);
  char **(*completion_matches)(const char *text, generator *next);
  void (*add_history)(const char *line);
  int (*read_history)(const char *path);
  int (*write_history)(const char *path);
  void (*stifle_history)(int lines);
  char **line_buffer;
  int *point;
} editor;

static line_completer complete;
static char *read_line; /* result of the callback */
static int line_done;
static char *history_path;
static char **matches; /* what next_match hands out */

void line_init(line_completer completer) {
  complete = completer;
}

/* Functions and data of the library; dlsym's void pointers are copied, as POSIX suggests. */
static int find(const char *name, void *to) {
  void *symbol = dlsym(editor.library, name);
  if (!symbol) return 0;
  memcpy(to, &symbol, sizeof symbol);
  return 1;
}

static int find_all(void) {
  return find("rl_callback_handler_install", &editor.handler_install) &&
         find("rl_callback_handler_remove", &editor.handler_remove) &&
         find("rl_callback_read_char", &editor.read_char) &&
         find("rl_completion_matches", &editor.completion_matches) &&
         find("add_history", &editor.add_history) && find("read_history", &editor.read_history) &&
         find("write_history", &editor.write_history) &&
         find("stifle_history", &editor.stifle_history) &&
         find("rl_line_buffer", &editor.line_buffer) && find("rl_point", &editor.point);
}

/* What the editor takes for the word, whatever that is, and what may be added: nothing typed can be
 * lost. */
static char *next_match(const char *text, int state) {
  static int index;
  if (state == 0) index = 0;
  if (!matches || !matches[index]) return NULL;
  const size_t length = strlen(text) + strlen(matches[index]) + 1;
  char *match = malloc(length);
  if (match) snprintf(match, length, "%s%s", text, matches[index]);
  ++index;
  return match;
}

static char **on_complete(const char *text, int start, int end) {
  (void)start;
  int *over, *append;
  if (find("rl_attempted_completion_over", &over)) *over = 1; /* no file names */
  /* Each time: readline begins with a space. */
  if (find("rl_completion_append_character", &append)) *append = '\0';
  if (!complete) return NULL;
  matches = complete(*editor.line_buffer, end);
  char **result = matches ? editor.completion_matches(text, next_match) : NULL;
  for (char **match = matches; match && *match; match++) free(*match);
  free(matches);
  matches = NULL;
  return result;
}

/* What is typed is UTF-8, where nothing else is said. LC_CTYPE alone: numbers keep their points. */
static void choose_characters(void) {
  setlocale(LC_CTYPE, "");
  if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) setlocale(LC_CTYPE, "C.UTF-8");
}

static void set_up(void) {
  int *catch_signals;
  const char **breaks;
  /* All but letters, digits, '_' and what is not ASCII. libedit looks at the basic ones alone. */
  static const char not_in_names[] = " \t\n!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~";
  char **(**attempt)(const char *, int, int);
  if (find("rl_catch_signals", &catch_signals)) *catch_signals = 0;
  if (find("rl_completer_word_break_characters", &breaks)) *breaks = not_in_names;
  if (find("rl_basic_quote_characters", &breaks)) *breaks = ""; /* readline would close them too */
  if (find("rl_basic_word_break_characters", &breaks)) *breaks = not_in_names;
  if (find("rl_attempted_completion_function", &attempt)) *attempt = on_complete;
  choose_characters();
  editor.stifle_history(HISTORY_LINES);
}

/* Whether lines are edited: a terminal on both ends, and a library. */
static int has_editor(void) {
  if (!editor.loaded) {
    editor.loaded = 1;
    static const char *const names[] = {"libedit.so.2", "libreadline.so.8"};
    const char *wanted = getenv("WEFT_EDITOR"); /* a part of the name of one of them */
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !editor.library; i++) {
      if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) break;
      if (wanted && !strstr(names[i], wanted)) continue;
      editor.library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
      if (editor.library && find_all()) {
        set_up();
      } else if (editor.library) {
        dlclose(editor.library);
        editor.library = NULL;
      }
    }
  }
  return editor.library != NULL;
}

static void on_line(char *line) {
  read_line = line;
  line_done = 1;
  editor.handler_remove();
}

static enum line_status read_edited(const char *prompt, char **line) {
  int any_key = 0; /* until then, libedit's buffer holds the line before */
  line_done = 0;
  /* A signal is taken while a key is waited for and nowhere else, so that none is slept over. */
  sigset_t ours, before;
  sigemptyset(&ours);
  sigaddset(&ours, SIGINT);
  sigaddset(&ours, SIGTERM);
  sigprocmask(SIG_BLOCK, &ours, &before);
  editor.handler_install(prompt, on_line);
  while (!line_done) {
    fd_set input;
    FD_ZERO(&input);
    FD_SET(STDIN_FILENO, &input);
    const int ready =
        interrupt_count() > 0 ? -1 : pselect(STDIN_FILENO + 1, &input, NULL, NULL, NULL, &before);
    if (interrupt_count() > 0) {
      *line = strdup(any_key && *editor.line_buffer ? *editor.line_buffer : "");
      editor.handler_remove();
      sigprocmask(SIG_SETMASK, &before, NULL);
      putchar('\n');
      return LINE_INTERRUPTED;
    }
    if (ready > 0) {
      any_key = 1;
      editor.read_char();
    }
  }
  sigprocmask(SIG_SETMASK, &before, NULL);
  if (!read_line) putchar('\n'); /* Ctrl-D leaves the cursor behind the prompt */
  *line = read_line;
  return read_line ? LINE_READ : LINE_END;
}

static enum line_status read_plain(const char *prompt, char **line) {
  if (isatty(STDIN_FILENO)) fputs(prompt, stdout);
  fflush(stdout);
  size_t size = 0;
  *line = NULL;
  ssize_t length = getline(line, &size, stdin);
  if (length >= 0) {
    if (length > 0 && (*line)[length - 1] == '\n') (*line)[length - 1] = '\0';
    return LINE_READ;
  }
  if (interrupt_count() > 0) {
    clearerr(stdin);
    return LINE_INTERRUPTED;
  }
  free(*line);
  *line = NULL;
  return LINE_END;
}

enum line_status line_read(const char *prompt, char **line) {
  interrupt_begin_line();
  enum line_status status = LINE_END;
  *line = NULL;
  if (!interrupt_is_final())
    status = has_editor() ? read_edited(prompt, line) : read_plain(prompt, line);
  interrupt_end_line();
  return status;
}

void line_history_add(const char *line) {
  if (has_editor()) editor.add_history(line);
}

static void save_history(void) {
  if (history_path) editor.write_history(history_path);
}

void line_history_keep(const char *path) {
  if (!has_editor() || history_path) return;
  editor.read_history(path);
  history_path = strdup(path);
  if (history_path) atexit(save_history);
}
