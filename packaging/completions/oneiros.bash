# SPDX-License-Identifier: MIT
# bash completion for oneiros: commands, options, presets, keys after -s and the words that a key takes. Everything is asked of the program.

# What `oneiros ... --help` says, without the colours of anybody's terminal.
_oneiros_help() {
    "${COMP_WORDS[0]}" "$@" --help 2>/dev/null
}

_oneiros_words() {
    COMPREPLY=($(compgen -W "$1" -- "$2"))
}

# keys with an =, or the words in brackets behind the one that is there already
_oneiros_setting() {
    local typed=$1 help
    [[ ${COMP_WORDS[1]} == @(explain|atlas) ]] && help=$(_oneiros_help "${COMP_WORDS[1]}") || help=$(_oneiros_help dream)
    if [[ $typed == *=* ]]; then
        local key=${typed%%=*} value=${typed#*=} words
        words=$(sed -n "s/^    ${key//./\\.}=[^[]*\[\([^]]*\)\].*/\1/p" <<<"$help" | tr -d ' ')
        [[ $words == *"|"* ]] && _oneiros_words "${words//|/ }" "$value"
        [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$key=}")
    else
        compopt -o nospace
        _oneiros_words "$(sed -n 's/^    \([a-z_.]*=\).*/\1/p' <<<"$help")" "$typed"
    fi
}

_oneiros() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} sub=()
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        _oneiros_words "help --help --version $(_oneiros_help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')" "$current"
        return
    fi
    # bash takes key=value for three words
    if [ "$current" = = ] && [[ ${COMP_WORDS[COMP_CWORD - 2]} == @(-s|--set) ]]; then
        _oneiros_setting "$before="
        return
    elif [ "$before" = = ] && [[ ${COMP_WORDS[COMP_CWORD - 3]} == @(-s|--set) ]]; then
        _oneiros_setting "${COMP_WORDS[COMP_CWORD - 2]}=$current"
        return
    fi
    case $before in
    -s | --set)
        _oneiros_setting "$current"
        return
        ;;
    -p | --preset)
        _oneiros_words "$(_oneiros_help dream | sed -n '/^Presets,/,/^$/s/^  \([^ ]*\) .*/\1/p')" "$current"
        return
        ;;
    esac
    [ "$command" != model ] || [ "$COMP_CWORD" -eq 2 ] || sub=("${COMP_WORDS[2]}")
    if [[ $current == -* ]]; then
        _oneiros_words "$(_oneiros_help "$command" "${sub[@]}" | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '-[a-zA-Z-]+')" "$current"
    elif [ "$command" = model ] && [ "$COMP_CWORD" -eq 2 ]; then
        _oneiros_words "$(_oneiros_help model | sed -n 's/.* oneiros model \([a-z]*\).*/\1/p')" "$current"
    elif [ "$command" = help ]; then
        _oneiros_words "$(_oneiros_help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')" "$current"
    fi
    # nothing found: file names, by -o default
}

complete -o default -F _oneiros oneiros
