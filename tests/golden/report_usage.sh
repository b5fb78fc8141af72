#!/bin/sh
# Wrong usage is one clear line and status 2, what cannot be done is status 1.
. tests/golden/report.inc

ask
ask help
ask --version
for command in report analyze sql info export; do
	ask $command --help
done
ask report leaks --help
ask export alpha.db
ask export alpha.db --to xml
ask export alpha.db --to perf-script
ask help nothing
ask repot
ask report leks alpha.db | sed "s/; there are: .*, leaks, .*/; there are: .../"
ask report leaks
ask report leaks alpha.db alpha.db
ask report leaks alpha.db --tpo 3
ask report leaks alpha.db --top
ask report leaks alpha.db --top many
ask report free alpha.db --unit furlong
ask report leaks alpha.db -x
ask report leaks alpha.db --strict=yes
ask report leaks alpha.db --format xml
ask report sources alpha.db --format svg
ask report sources alpha.db --from +1s
ask report sources alpha.db --pid 42
ask report faults alpha.db --from 25:00:00
ask report faults alpha.db --from +5s --to +4s
ask report faults alpha.db --from +5s --at +4s
ask report faults alpha.db --pid x
ask report faults alpha.db --pid 4711
ask report faults alpha.db --comm demo --pid 43
ask report faults missing.db
ask report faults "$(printf 'evil\033[2J.db')"
ask report faults .
: > empty.mtape
ask report faults empty.mtape
ask info empty.mtape
ask info alpha.db
ask report faults alpha.db -o alpha.db
ask report faults alpha.db -o missing/out
ask report sources alpha.db --format=csv -o out
cat out
ask analyze
ask analyze alpha.db
# record runs the recorder beside the program, with its words as they are.
mkdir bin
cp "$memtape" bin/memtape
memtape=$PWD/bin/memtape
env PATH=/nowhere "$memtape" record --help 2>&1 || echo "[exit status $?]"
printf '#!/bin/sh\nprintf "recorder: <%%s>\\n" "$@"\nexit 9\n' > bin/memtape-record
chmod +x bin/memtape-record
ask record -o 'a b' -- ./app --from
ask help record
finish
