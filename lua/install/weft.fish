# Completion of weft and weftjit for fish: options, scripts, and what help can be asked for.
for program in weft weftjit
    complete -c $program -s e -x -n __fish_is_first_arg -d 'run CODE'
    complete -c $program -l version -n __fish_is_first_arg -d 'print the version'
    complete -c $program -l help -d 'print help'
    complete -c $program -n __fish_is_first_arg -a help -d 'read about a topic or a name'
    complete -c $program -n __fish_is_first_arg -a train -d 'train a model'
    complete -c $program -n '__fish_seen_subcommand_from help' -f -a "($program help --names)"
    complete -c $program -l seed -x -n 'not __fish_is_first_arg' -d 'of all randomness'
    complete -c $program -l format -x -a 'table csv json' -n 'not __fish_is_first_arg'
    complete -c $program -l out -r -n 'not __fish_is_first_arg' -d 'folder for results'
    complete -c $program -l quiet -n 'not __fish_is_first_arg' -d 'no progress'
    complete -c $program -l set -x -n 'not __fish_is_first_arg' -d 'an option of a simulation'
end
