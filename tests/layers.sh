#!/bin/sh
# Who may include whom, and how long things may be. Prints what breaks the rules, and exits 1 if anything does.
set -eu

may_include() { # FOLDER
	case $1 in
	format) echo format ;;
	bpf) echo bpf ;;
	recorder) echo recorder bpf format ;;
	analyzer) echo analyzer format ;;
	report) echo report analyzer format ;;
	tests) echo tests format bpf recorder analyzer report ;;
	esac
}

check_includes() { # FOLDER
	allowed=" $(may_include "$1") "
	find "$1" -name '*.[ch]' -exec grep -HnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' {} + |
		while IFS= read -r line; do
			included=${line#*\"}
			case $allowed in
			*" ${included%%/*} "*) ;;
			*) echo "${line%%#*} ${1} must not include \"$included" ;;
			esac
		done
}

check_files() { # FOLDER
	find "$1" -name '*.[ch]' -exec awk 'FNR == 501 { print FILENAME ": over 500 lines" }' {} +
}

# A function's braces are the only ones alone in the first column.
check_functions() { # FOLDER
	find "$1" -name '*.[ch]' -exec awk '
		FNR == 1 { begun = 0 }
		/^[a-zA-Z_].*\(/ { signature = $0 }
		/^\{/ { begun = FNR }
		/^\}/ {
			if (begun && FNR - begun - 1 > 50)
				print FILENAME ":" begun ": " FNR - begun - 1 " lines: " signature
			begun = 0
		}' {} +
}

broken=$(
	for folder in format bpf recorder analyzer report tests; do
		[ -d $folder ] || { echo "no folder $folder"; continue; }
		check_includes $folder
		[ $folder = bpf ] || check_files $folder
		[ $folder = bpf ] || check_functions $folder
	done
)
[ -z "$broken" ] || { echo "$broken"; exit 1; }
