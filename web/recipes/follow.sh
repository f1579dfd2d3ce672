#!/bin/sh
# Follows a channel with curl, and resumes where it was after an interruption: one line for each event.
# Usage: follow.sh http://localhost:8080 orders.alice.17 [cursor]
url="$1/events?channel=$2&data=raw"
state=$(mktemp)
trap 'rm -f "$state"' EXIT
trap 'exit 0' INT TERM
echo "2 ${3-}" >"$state"

while :; do
  read -r wait cursor <"$state"
  curl -sSfN -H 'accept: text/event-stream' -H "Last-Event-ID: $cursor" "$url" |
    while IFS= read -r line; do
      case $line in
        event:*) event=${line#event: } ;;
        data:*) data=${data+$data }${line#data: } ;;
        id:*) id=${line#id: } ;;
        retry:*) wait=$((${line#retry: } / 1000 + 1)) ;;
        '')
          case ${event-message} in
            ready | heartbeat | closing | auth-expiring) ;;
            gap) echo 'gap: load your state again' ;;
            *) echo "${event-message} $data" ;;
          esac
          # Only now: of an event that was cut off, nothing is kept.
          echo "$wait ${id-$cursor}" >"$state"
          unset event data
          ;;
      esac
    done
  read -r wait cursor <"$state"
  sleep "$wait"
done
