return [[
At the prompt (weft without a script):

  - An expression shows its value; tables are spelled out, three levels deep.
  - Input that is not complete continues on the next line, after >>.
  - `weft` and `help` are there without require.
  - `local x = 1` at the start of the input stays for the next lines: it becomes a global, because
    the locals of Lua end with their chunk. Locals further inside are as usual.
  - Tab completes names, fields and methods. The history is kept in ~/.weft_history.
    (Line editing comes from libedit or readline, whichever is installed.)
  - Ctrl-C stops a running simulation at the next event, with its results so far, or clears the
    line; pressed twice on an empty line it leaves. Ctrl-D leaves.
  - Errors are shown and forgotten. Objects keep what they were. Read from a pipe, the prompt then
    ends with status 1.
]]
