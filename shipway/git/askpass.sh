#!/bin/sh
# Git asks "Username for 'URL': " or "Password for 'URL': ".
case "$1" in
  [Uu]sername*) printf '%s\n' "$SHIPWAY_ASKPASS_USERNAME" ;;
  *) printf '%s\n' "$SHIPWAY_ASKPASS_PASSWORD" ;;
esac
