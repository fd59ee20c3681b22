return [[
At the prompt (weft without a script):

  - An expression shows its value; tables are spelled out, three levels deep, quantities whose names
    have a unit (size_bytes, fct_ps) with it. Functions show their signature. Tables of results show
    their first and last rows. What stands behind the last `;` of a line is shown, too.
  - Input that is not complete continues on the next line, after >>.
  - `weft` and `help` are there without require.
  - `local x = 1` outside of blocks stays for the next lines: it becomes a global, because the
    locals of Lua end with their chunk. So does `local x <const> = 1`. Others are as usual.
  - Tab completes names, fields and methods, behind f() and x[1] too; in the table of a call its
    options and their values; in text names of nodes and links, columns, files, topics of help.
  - sim:run { stop_at = "+20us" } (or a job, or a function), sim:step(n) and sim:break_at { ... }
    stop a run; sim:back "5us" goes back, to change something and run on: help "sim:back".
  - The history is kept in ~/.weft_history.
  - Line editing comes from libedit or readline, whichever is installed; WEFT_EDITOR=readline or
    WEFT_EDITOR=edit in the environment chooses. Input is UTF-8.
  - help "WORD" explains any option, value of one, column, function ("weft.topology.star"), method
    ("sim:run", "fabric:link"); of any other word it lists what mentions it. What is longer than the
    terminal goes through $PAGER, or less.
  - Ctrl-C stops a running simulation at the next event, with its results so far, or clears the
    line; pressed twice on an empty line it leaves. Ctrl-D leaves.
  - Errors are shown and forgotten. Objects keep what they were. Read from a pipe, the prompt then
    ends with status 1.
]]
