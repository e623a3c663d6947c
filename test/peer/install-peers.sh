#!/bin/sh
# Installs what the tests against real switches need: Open vSwitch and openssl. Does nothing when they are there, when
# apt-get is missing or when the user may not install packages: then those tests say so themselves.
set -eu
PATH="$PATH:/usr/sbin:/usr/local/sbin"
if command -v ovs-vswitchd >/dev/null && command -v ovs-ofctl >/dev/null && command -v openssl >/dev/null; then
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "Open vSwitch is not installed and cannot be installed here (needs root and apt-get); its tests will be skipped" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# The packages must not start daemons of their own: the tests start theirs in private folders.
policy=/usr/sbin/policy-rc.d
made=no
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
  made=yes
fi
trap '[ "$made" = yes ] && rm -f "$policy"; true' EXIT
install() {
  apt-get install -y -qq --no-install-recommends openvswitch-switch openssl >/dev/null 2>&1
}
install || { apt-get update -qq >/dev/null 2>&1 && install; } || {
  echo "Open vSwitch could not be installed (apt-get install openvswitch-switch openssl); its tests will say so" >&2
}
