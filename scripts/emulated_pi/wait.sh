#!/bin/sh
# Wait until an emulated board lets its user in: wait.sh FOLDER
set -eu
tries=0
until ssh -F "$1/ssh_config" -o BatchMode=yes -o ConnectTimeout=30 emulated-pi true 2>/dev/null; do
    tries=$((tries + 1))
    if [ $tries -ge 180 ] || ! kill -0 "$(cat "$1/pid")" 2>/dev/null; then
        echo "error: the emulated board does not answer; its console is $1/console.log" >&2
        exit 1
    fi
    sleep 1
done
