# SPDX-License-Identifier: MIT
# fish completion for oneiros: commands, options, presets, keys after -s and the words that a key takes. Everything is asked of the program.

function __oneiros_commands
    oneiros --help 2>/dev/null | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __oneiros_options
    set -l words (commandline -opc)[2..-1]
    test "$words[1]" = model; and set words $words[1..2]; or set words $words[1]
    oneiros $words --help 2>/dev/null | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '-[a-zA-Z-]+'
end

# key=, and key=word for each word that a key takes
function __oneiros_settings
    set -l command dream
    for other in explain atlas
        contains $other (commandline -opc); and set command $other
    end
    oneiros $command --help 2>/dev/null | sed -n 's/^    \([a-z_.]*\)=[^[]*\[\([^]]*\)\].*/\1 \2/p' | while read -l key words
        echo $key=
        string match -q '*|*' -- $words; and string replace -r '^' $key= -- (string split '|' -- (string replace -a ' ' '' -- $words))
    end
end

complete -c oneiros -n __fish_use_subcommand -f -a '(__oneiros_commands)'
complete -c oneiros -n __fish_use_subcommand -f -a '--help --version'
complete -c oneiros -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f -a '(__oneiros_options)'
complete -c oneiros -n '__fish_seen_subcommand_from dream explain atlas bench graph statistics' -s s -l set -x -a '(__oneiros_settings)'
complete -c oneiros -n '__fish_seen_subcommand_from dream explain atlas' -s p -l preset -x \
    -a "(oneiros dream --help 2>/dev/null | sed -n '/^Presets,/,/^$/s/^  \([^ ]*\) .*/\1/p')"
complete -c oneiros -n '__fish_seen_subcommand_from model' -f \
    -a "(oneiros model --help 2>/dev/null | sed -n 's/.* oneiros model \([a-z]*\).*/\1/p')"
