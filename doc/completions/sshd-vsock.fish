# SPDX-License-Identifier: MIT
# fish completion for sshd-vsock(8). A test keeps both lists equal to `sshd-vsock --help`.

set -l verbs check plan apply remove status verify client help
complete -c sshd-vsock -f
complete -c sshd-vsock -l config -r -F -d 'Configuration; - is standard input'
complete -c sshd-vsock -l root -x -a '(__fish_complete_directories)' -d 'Work on an image tree'
complete -c sshd-vsock -l json -d 'One JSON document on standard output'
complete -c sshd-vsock -l no-verify -d 'Close TCP without verification'
complete -c sshd-vsock -l takeover -d 'Replace units in the way, whatever they do'
complete -c sshd-vsock -l for -x -a 'linux systemd socat mux unix hvc winsocat wsl' -d 'client: the kind of host'
complete -c sshd-vsock -l jump -x -d 'client: come through that host'
complete -c sshd-vsock -l name -x -d 'client: what ssh is to call this machine'
complete -c sshd-vsock -l user -x -a '(__fish_complete_users)' -d 'client: who logs in'
complete -c sshd-vsock -l identity -x -d 'client: with which private key'
complete -c sshd-vsock -l known-hosts -d 'client: host keys as known_hosts lines'
complete -c sshd-vsock -s q -l quiet -d 'Only warnings and errors'
complete -c sshd-vsock -s v -l verbose -d 'More detail'
complete -c sshd-vsock -s h -l help -d 'Print a summary'
complete -c sshd-vsock -l version -d 'Print the version'

set -l none "not __fish_seen_subcommand_from $verbs"
complete -c sshd-vsock -n $none -a check -d 'Validate the configuration'
complete -c sshd-vsock -n $none -a plan -d 'Show what apply would change'
complete -c sshd-vsock -n $none -a apply -d 'Bring the system to that state, verify it, then close TCP'
complete -c sshd-vsock -n $none -a remove -d 'Remove what apply installed'
complete -c sshd-vsock -n $none -a status -d 'What is installed, answers, is closed, drifted'
complete -c sshd-vsock -n $none -a verify -d 'Name the first broken link'
complete -c sshd-vsock -n $none -a client -d 'Print what the other side needs'
complete -c sshd-vsock -n $none -a help -d 'Print a summary'
