# SPDX-License-Identifier: MIT
# bash completion for sshd-vsock(8). A test keeps both lists equal to `sshd-vsock --help`.

_sshd_vsock()
{
        local verbs='check plan apply remove status verify client help'
        local options='--config= --root= --json --no-verify --takeover --for= --jump= --name= --user= --identity='
        options+=' --known-hosts --quiet --verbose --help --version -q -v -h'
        local hosts='linux systemd socat mux unix hvc winsocat wsl'
        local cur=${COMP_WORDS[COMP_CWORD]} option='' verb='' word i

        # bash cuts words at '=': `--config=FILE` may come as one word, two or three.
        if [[ $cur == --*=* ]]; then
                option=${cur%%=*} cur=${cur#*=}
        elif [[ $cur == '=' ]]; then
                option=${COMP_WORDS[COMP_CWORD - 1]} cur=''
        elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == '=' ]]; then
                option=${COMP_WORDS[COMP_CWORD - 2]}
        else
                option=${COMP_WORDS[COMP_CWORD - 1]}
        fi

        COMPREPLY=()
        case $option in
        --config)
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -f -- "$cur")
                return
                ;;
        --for)
                mapfile -t COMPREPLY < <(compgen -W "$hosts" -- "$cur")
                return
                ;;
        --user)
                mapfile -t COMPREPLY < <(compgen -u -- "$cur")
                return
                ;;
        --jump | --name | --identity) # of another machine
                return
                ;;
        --root)
                compopt -o filenames 2>/dev/null
                mapfile -t COMPREPLY < <(compgen -d -- "$cur")
                return
                ;;
        esac

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                [[ " $verbs " == *" $word "* ]] && verb=$word
        done
        if [[ $cur == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
                [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace 2>/dev/null
        elif [[ -z $verb ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
        fi
}
complete -F _sshd_vsock sshd-vsock
