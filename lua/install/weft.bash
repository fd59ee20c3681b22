# Completion of weft and weftjit for bash: options, scripts, and what help can be asked for.
_weft() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $before == help && $COMP_CWORD -eq 2 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" help --names 2>/dev/null)" -- "$word")
  elif [[ $COMP_CWORD -eq 1 && $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "-e - -- --version --help" -- "$word")
  elif [[ $COMP_CWORD -eq 1 ]]; then
    mapfile -t COMPREPLY < <(compgen -W "help train" -- "$word"; compgen -f -X '!*.lua' -- "$word"
      compgen -d -S / -- "$word")
  elif [[ $word == --* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--seed --format --out --quiet --set --help" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}
complete -o filenames -F _weft weft weftjit
