#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Every command, option and configuration key is in the help, in the manual and in the completions. What there is comes from the sources'
# option tables and from --print-config; ONEIROS, SOURCE and MAN come from ctest.

bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Long options of a command, from the table in its source, and the one that all have.
options_of() {
    local name=$1
    [[ "$1" != @(dream|explain|atlas) ]] || name=arguments
    grep -rohE --include="$name.c" "\{\"[a-z-]+\",( '.',)? \.[a-z_]+ = " "$SOURCE/src/commands" | sed 's/{"\(.*\)",.*/--\1/'
    echo --help
}

commands() {
    "$ONEIROS" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# octaves.count, from two levels of YAML
keys() {
    "$ONEIROS" dream --print-config | awk '/^[a-z_]+:/ {group = $1; sub(":.*", "", group); if ($2 != "" || group == "targets") print group}
        /^  [a-z_]+:/ {key = $1; sub(":.*", "", key); if (group != "targets") print group "." key}'
}

# complete WORD...: what bash offers for the last one
complete_words() {
    bash -O extglob -c 'source "$1"; shift; compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _oneiros; printf "%s\n" "${COMPREPLY[@]}"' - "$SOURCE/packaging/completions/oneiros.bash" "$ONEIROS" "$@"
}

page() {
    sed 's/\\-/-/g; s/\\f[BIRP]//g; s/\\[,/]//g' "$MAN/$1.1"
}

@test "each command has its help, its page and its completion" {
    [ "$(commands | wc -l)" -ge 4 ]
    for command in $(commands); do
        "$ONEIROS" "$command" --help | grep -q '^Usage: oneiros '"$command"
        page "oneiros-$command" >page
        grep -q "oneiros-$command" page
        page oneiros | grep -qw "$command"
        complete_words "" | grep -qx "$command"
    done
}

@test "each option is in the help, the page and the completion of its command" {
    for command in $(commands); do
        [ "$command" != model ] || continue # it has steps with options of their own
        options_of "$command" >options
        [ "$(wc -l <options)" -ge 3 ]
        page "oneiros-$command" >page
        "$ONEIROS" "$command" --help >help
        complete_words "$command" -- >completion
        while read -r option; do
            grep -qE -- "(^|[ ,])$option\b" help || { echo "$command --help lacks $option" && false; }
            grep -qE -- "(^|[ ,])$option\b" page || { echo "the page of $command lacks $option" && false; }
            grep -qx -- "$option" completion || { echo "the completion of $command lacks $option" && false; }
        done <options
    done
    steps=$("$ONEIROS" model --help | sed -n 's/.* oneiros model \([a-z]*\).*/\1/p')
    [ "$(wc -w <<<"$steps")" -ge 5 ]
    for step in $steps; do
        "$ONEIROS" model "$step" --help | grep -oE -- '--[a-z]+' | sort -u >options
        page "oneiros-model-$step" >page
        complete_words model "$step" -- >completion
        while read -r option; do
            grep -q -- "$option" page
            grep -qx -- "$option" completion
        done <options
    done
}

@test "each key is in the help, the page and the completion, and in config/default.yaml" {
    keys >keys
    [ "$(wc -l <keys)" -ge 60 ]
    for command in dream explain atlas; do
        "$ONEIROS" "$command" --help | sed -n 's/^    \([a-z_.]*\)=.*/\1/p' >"$command"
        page "oneiros-$command" >page
        complete_words "$command" -s "" >completion
        while read -r key; do
            grep -qF "$key=" page || { echo "the page of $command lacks $key" && false; }
            grep -qxF "$key=" completion || { echo "the completion of $command lacks $key" && false; }
        done <"$command"
        [ "$(wc -l <"$command")" -eq "$(wc -l <completion)" ]
    done
    while read -r key; do
        cat dream explain atlas | grep -qxF "$key" || { echo "the help lacks $key" && false; }
        grep -qE "^ *${key##*.}:" "$SOURCE/config/default.yaml"
    done <keys
    # Each command has its own.
    for key in steps octaves.count guidance.cam frames.every output.format; do
        grep -qxF "$key" dream
        run ! grep -qxF "$key" explain
    done
    for key in saliency.samples saliency.noise faithfulness.steps; do
        run ! grep -qxF "$key" dream
        grep -qxF "$key" explain
    done
    for key in targets objective seed tile.size importance.samples video.colormap fetch.parallel cam.method cam.layer; do
        grep -qxF "$key" dream
        grep -qxF "$key" explain
    done
}

@test "the words that a key takes are completed" {
    [ "$(complete_words dream -s gradient = | sort | xargs)" = "deconv guided plain" ]
    [ "$(complete_words dream -p cl)" = classic ]
}

@test "each preset is in the help with the first line of its comment, a sentence, and in the page and the completion" {
    "$ONEIROS" dream --help | sed -n '/^Presets,/,/^$/p' >help
    page oneiros-dream >page
    local count=0 file name line
    for file in "$SOURCE"/config/presets/*.yaml; do
        name=$(basename "$file" .yaml)
        line=$(sed -n 2p "$file")
        line=${line#\# }
        [[ "$line" == *. && ${#line} -le 110 ]] || { echo "$name: the first line of its comment is no sentence for the help" && false; }
        grep -qxF "$(printf '  %-10s  %s' "$name" "$line")" help || { echo "the help lacks $name" && false; }
        grep -qw "$name" page
        count=$((count + 1))
    done
    [ "$(complete_words dream -p "" | wc -w)" -eq "$count" ]
    [ "$(wc -l <help)" -eq $((count + 2)) ]
    mkdir -p own/presets
    printf '# SPDX-License-Identifier: MIT\n# Mine.\nsteps: 1\n' >own/presets/classic.yaml
    printf 'steps: 1\n' >own/presets/zzz.yaml
    export ONEIROS_CONFIG_DIR=$PWD/own
    "$ONEIROS" explain --help >help
    grep -qx '  classic     Mine.' help
    grep -qx '  zzz         ' help
}
