# Completion of chargerctl for bash: source it, or install it as
# /usr/share/bash-completion/completions/chargerctl
#
# One line for each command: its words | sub-commands | options | positionals.
# A positional is a list of words, @files, or @KIND, whose names are asked of the daemon.
_chargerctl_table='
chargerctl|status link top why watch session connector reserve tag queue power meter fault device bundle security-log config update csms mock completion||
chargerctl status|||
chargerctl link|status||
chargerctl link status|||
chargerctl top||--once|
chargerctl why|||@connectors
chargerctl watch|||
chargerctl session|list show|-n --limit|
chargerctl session list||-n --limit|
chargerctl session show|||@sessions
chargerctl connector|list show enable disable||
chargerctl connector list|||
chargerctl connector show|||@places
chargerctl connector enable|||@places
chargerctl connector disable||--until-idle|@places
chargerctl reserve|list cancel||
chargerctl reserve list|||
chargerctl reserve cancel|||@reservations
chargerctl tag|list show cache|-n --limit|
chargerctl tag list||-n --limit|
chargerctl tag show|||-
chargerctl tag cache|show clear|-n --limit|
chargerctl tag cache show||-n --limit|
chargerctl tag cache clear|||
chargerctl queue|list quarantine show retry drop|-n --limit|
chargerctl queue list||-n --limit|
chargerctl queue quarantine||-n --limit|
chargerctl queue show|||@messages
chargerctl queue retry||--all|@messages
chargerctl queue drop||--yes|@messages
chargerctl power|show profiles limits||
chargerctl power show|||
chargerctl power profiles|||
chargerctl power limits|||
chargerctl meter|show||
chargerctl meter show|||@connectors
chargerctl fault|list show clear causes|--history|
chargerctl fault list||--history|
chargerctl fault show|||@faults
chargerctl fault clear||--yes|@faults
chargerctl fault causes|||
chargerctl device|list||
chargerctl device list|||
chargerctl bundle||--since -o --output|
chargerctl security-log|list clear|-n --limit|
chargerctl security-log list||-n --limit|
chargerctl security-log clear||--yes|
chargerctl config|list get set|--changed|
chargerctl config list||--changed|
chargerctl config get|||@keys*
chargerctl config set|||@keys*
chargerctl update|status install history cancel||
chargerctl update status|||
chargerctl update install||--replace --wait|@files
chargerctl update history||-n --limit|
chargerctl update cancel|||
chargerctl csms|show set key rollback cert||
chargerctl csms show|||
chargerctl csms set||--id --profile --key-file --no-wait|-
chargerctl csms key||--key-file --no-wait|
chargerctl csms rollback||--no-wait|
chargerctl csms cert|list import csr renew remove|--check|
chargerctl csms cert list||--check|
chargerctl csms cert import||--root --own --key-file|@files
chargerctl csms cert csr||-o --output|
chargerctl csms cert renew||--no-wait|
chargerctl csms cert remove||--yes|@roots
chargerctl mock|plug unplug pause resume tag fault link rate meter||
chargerctl mock plug||--soc --capacity-kwh --max-kw --max-voltage-v --evccid|@connectors
chargerctl mock unplug|||@connectors
chargerctl mock pause|||@connectors
chargerctl mock resume|||@connectors
chargerctl mock tag||--connector|-
chargerctl mock fault||--connector --error-code|@mock-faults on,off
chargerctl mock link|||down,up,blackhole
chargerctl mock rate|||-
chargerctl mock meter||--energy-wh --power-w|@connectors
chargerctl completion|||bash
'

# Options of every command, and options that take a value.
_chargerctl_common='-h --help --json --json=short --json=pretty --socket --no-legend -q --quiet --timeout'
_chargerctl_valued='--capacity-kwh --connector --energy-wh --error-code --evccid --id --key-file --limit --max-kw --max-voltage-v --output --power-w --profile --root --since --soc --socket --timeout -n -o'

# Prints what --complete KIND finds, from the socket named on the command line.
_chargerctl_ask() {
    local at
    local -x CHARGERD_SOCKET=${CHARGERD_SOCKET-}
    for ((at = 1; at < COMP_CWORD; at++)); do
        [[ ${COMP_WORDS[at]} == --socket ]] && CHARGERD_SOCKET=${COMP_WORDS[at + 1]}
    done
    "${COMP_WORDS[0]}" --complete "$1" 2>/dev/null
}

# Sets row_* to the row of a command; fails if there is none.
_chargerctl_row() {
    local path verbs options positionals
    while IFS='|' read -r path verbs options positionals; do
        if [[ $path == "$1" ]]; then
            row_verbs=$verbs row_options=$options row_positionals=$positionals
            return 0
        fi
    done <<<"$_chargerctl_table"
    return 1
}

# Prints the words for the n-th positional; "*" ends a list that may go on.
_chargerctl_positional() {
    local -a kinds
    read -ra kinds <<<"$row_positionals"
    local last=$((${#kinds[@]} - 1)) kind
    ((last >= 0)) || return
    if (($1 <= last)); then
        kind=${kinds[$1]}
    elif [[ ${kinds[last]} == *'*' ]]; then
        kind=${kinds[last]}
    fi
    kind=${kind%'*'}
    if [[ $kind == @files ]]; then
        compgen -f -- "$current"
    elif [[ $kind == @* ]]; then
        _chargerctl_ask "${kind#@}"
    else
        echo "${kind//,/ }"
    fi
}

_chargerctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local row_verbs row_options row_positionals path=chargerctl given=0 at word words
    _chargerctl_row "$path"
    for ((at = 1; at < COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        case $word in
        =) ((at++)) ;; # bash makes three words of --json=pretty
        -*) [[ " $_chargerctl_valued " == *" $word "* ]] && ((at++)) ;;
        *)
            if [[ " $row_verbs " == *" $word "* ]]; then
                path="$path $word"
                _chargerctl_row "$path"
            else
                ((given++))
            fi
            ;;
        esac
    done
    case $previous in
    --socket)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --connector) words=$(_chargerctl_ask connectors) ;;
    *)
        if [[ $current == -* ]]; then
            words="$row_options $_chargerctl_common"
        else
            words="$row_verbs $(_chargerctl_positional "$given")"
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _chargerctl chargerctl
