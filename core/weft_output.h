/* Writing a file whole or not at all: what the core, its modules and the pictures share. Not part
 * of the library's interface, and not installed.
 *
 * What is written has no name, or one that this process alone has made and holds a lock on, until
 * it takes the name that was asked for. So of several processes that write one file each leaves a
 * whole file, the last one's stays, and what a process that was killed has left is known by its
 * missing lock and goes with the next writing. */
#ifndef WEFT_OUTPUT_H
#define WEFT_OUTPUT_H

#include <stdio.h>

enum { WEFT_OUTPUT_PATH_MAX = 4096 };

typedef struct weft_output {
  FILE *file; /* to write to; NULL: closed */
  int hold; /* another descriptor of the file, which keeps its lock; -1: none */
  int direct; /* a device or a pipe: written where it is */
  char path[WEFT_OUTPUT_PATH_MAX]; /* the name that was asked for, behind symbolic links */
  char name[WEFT_OUTPUT_PATH_MAX + 32]; /* the present one; "": none */
} weft_output;

/* Begin. An existing file stays until the commit, which replaces it; a symbolic link stays, and
 * leads to the new one. Returns 0, or an errno with nothing to close. */
int weft__output_open(weft_output *output, const char *path);

/* Give the file its name. Returns 0, or an errno with nothing changed; closed in both cases. */
int weft__output_commit(weft_output *output);

/* Close, and leave nothing. Of what is closed: nothing to do. */
void weft__output_discard(weft_output *output);

#endif
