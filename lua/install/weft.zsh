#compdef weft weftjit
# Completion of weft and weftjit for zsh: options, scripts, and what help can be asked for.
_weft() {
  if (( CURRENT == 3 )) && [[ $words[2] == help ]]; then
    compadd -- ${(f)"$($words[1] help --names 2>/dev/null)"}
  elif (( CURRENT == 2 )); then
    [[ $PREFIX == -* ]] && compadd -- -e - -- --version --help
    compadd -- help train
    _files -g '*.lua'
  elif [[ $PREFIX == --* ]]; then
    compadd -- --seed --format --out --quiet --set --help
  else
    _files
  fi
}
_weft "$@"
