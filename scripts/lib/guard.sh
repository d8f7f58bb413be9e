#!/bin/sh
# Runs a command, and ends it with all it started as soon as the script that asked for it is gone.
#
#   sh guard.sh group|terminal COMMAND [ARGUMENT...]
#
# Descriptor 3 takes the command's exit status. Descriptor 4 is the lifeline: the script holds its other end and never
# writes to it but to ask for an orderly end. However the script dies, the kernel closes the lifeline, and that is noticed
# here. A shell, not another Node: it costs nothing, and `killall node` does not reach it.
#
# "group": this shell leads its own process group, so signal 0's target is exactly what was started here.
# "terminal": the command shares the terminal's group (only so can it read keys), so it alone is signalled.
mode=$1
shift
trap '' INT TERM HUP QUIT

exec 5<&0 # a shell gives its background commands an empty input unless they are handed one by another number
"$@" <&5 5<&- 3>&- 4<&- &
command=$!

(
  exec 3>&- 5<&-
  if read -r _ <&4 || [ "$mode" = terminal ]; then
    kill -TERM "$command"
    sleep 3
  fi
  if [ "$mode" = group ]; then kill -KILL 0; else kill -KILL "$command"; fi
) >/dev/null 2>&1 &
watcher=$!

exec 4<&- 5<&-
wait "$command"
status=$?
echo "$status" >&3
if [ "$mode" = group ]; then kill -KILL 0; else kill -KILL "$watcher"; fi
exit "$status"
