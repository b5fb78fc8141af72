#!/bin/sh
# Every report that the glossary names is there, and every term has one.
set -eu
status=0
for name in $(grep '^|' docs/glossary.md | sed 's/.*| //; s/([^)]*)//g; s/table `[a-z_]*`//g' | grep -o '`[a-zA-Z-]*' | tr -d '`' | sort -u); do
	[ "$name" = sql ] || [ -e "report/$name.sql" ] || { echo "no report $name"; status=1; }
done
grep '^|' docs/glossary.md | grep -v '^| word\|^|---' | grep -v '`[^`]*`[^|]*|$' && status=1
exit $status
