#!/bin/sh
# packages.sh missing PACKAGE...   prints those that are not installed
# packages.sh install PACKAGE...   names them and installs them with apt-get
set -eu
command=$1
shift
missing=
for package; do
	case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
	'install ok installed') ;;
	*) missing="$missing $package" ;;
	esac
done
missing=${missing# }
[ "$command" = install ] || { echo "$missing"; exit 0; }
[ -n "$missing" ] || { echo 'setup: nothing is missing'; exit 0; }
echo "setup: installing $missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
