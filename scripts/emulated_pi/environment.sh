#!/bin/sh
# A labgrid environment of one emulated board on standard output: environment.sh NAME FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$2" && pwd)
cat <<END
targets:
  $1:
    resources:
      NetworkService: {address: emulated-pi, username: pi}
    drivers:
      ExternalPowerDriver:
        cmd_on: sh $here/machine.sh $folder on
        cmd_off: sh $here/machine.sh $folder off
        cmd_cycle: sh $here/machine.sh $folder cycle
    options:
      edge_ssh: ssh -F $folder/ssh_config
      edge_fill: true
END
